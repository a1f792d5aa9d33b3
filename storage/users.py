"""Rows of accounts as the back office sees customers: who they are, and what they booked and spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("users")


@dataclass(frozen=True, slots=True)
class User:
    """`spent_minor` is what was captured and not given back, in one currency; `paid` on how many bookings."""

    id: UUID
    name: str | None
    phone: str | None
    email: str | None
    avatar_url: str | None
    is_verified: bool
    is_active: bool
    blocked_reason: str | None
    last_login_at: datetime | None
    created_at: datetime
    bookings: int
    spent_minor: int
    paid: int


everybody = Listed(
    sql, "all", User,
    key=Sort("a.id", "uuid"),
    sorts={
        "created_at": Sort("a.created_at", "timestamptz"), "name": Sort("a.name", "text", is_nullable=True),
        "last_login_at": Sort("a.last_login_at", "timestamptz", is_nullable=True),
    },
    default_sort=(("created_at", True),),
    filters={"is_active": "a.is_active = {}::boolean", "id": AnyOf("a.id", "uuid"), **made_on_days("a.created_at")},
    # Found by the index of words before anything is walked in order: each look at the words of a row costs much.
    search="a.id = ANY(ARRAY(SELECT n.id FROM accounts n WHERE n.phone IS NOT NULL AND n.erased_at IS NULL"
    " AND account_words(n.name, n.email, n.phone) @@ {}))",
    indexed=[("created_at", ()), ("created_at", ("date_from", "date_to"))],
)  # fmt: skip

get = sql.row("get", User)
is_staff = sql.scalar("is_staff", bool)
