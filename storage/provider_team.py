"""Rows of a provider's team: memberships of the realm `provider`, with the people behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("provider_team")


@dataclass(frozen=True, slots=True)
class Teammate:
    id: UUID
    account_id: UUID
    name: str | None
    email: str | None
    role: str
    permissions: dict[str, Any]
    status: str
    invited_at: datetime | None
    joined_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True)
class Summary:
    total: int
    active: int
    pending: int


get = sql.row("get", Teammate)
lock = sql.row("lock", Teammate)
lock_owner = sql.row("lock_owner", Teammate)
owner_email = sql.scalar("owner_email", str)
lock_by_email = sql.row("lock_by_email", Teammate)
add = sql.scalar("add", UUID)
join = sql.run("join")
invited_again = sql.run("invited_again")
set_role = sql.run("set_role")
hand_over = sql.run("hand_over")
remove = sql.run("remove")
open_sessions = sql.scalar("open_sessions", int)
summary = sql.row("summary", Summary)

of_provider = Listed(
    sql, "of_provider", Teammate,
    key=Sort("m.id", "uuid"),
    sorts={
        "name": Sort("coalesce(a.name, '')", "text"), "email": Sort("coalesce(a.email, '')", "text"),
        "role": Sort("m.role", "text"), "status": Sort("m.status", "text"),
        "invited_at": Sort("coalesce(m.invited_at, m.created_at)", "timestamptz"),
    },
    default_sort=(("name", False),),
    filters={"role": AnyOf("m.role", "text"), "status": AnyOf("m.status", "text")},
    search="array_to_tsvector(search_words(a.name) || search_words(a.email)) @@ {}",
)  # fmt: skip
