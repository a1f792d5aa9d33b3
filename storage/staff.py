"""Rows of staff: accounts with a membership of the house."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("staff")


@dataclass(frozen=True, slots=True)
class Staff:
    """`status` is what `tie` (of the membership) and `is_active` (of the account) come to: invited, active, blocked."""

    id: UUID
    membership_id: UUID
    name: str | None
    email: str | None
    role: str
    permissions: dict[str, Any]
    tie: str
    is_active: bool
    status: str
    has_totp: bool
    last_login_at: datetime | None
    created_at: datetime


_STATUS = (
    "CASE WHEN m.status = 'pending' THEN 'invited' WHEN m.status = 'active' AND a.is_active THEN 'active'"
    " ELSE 'blocked' END"
)

everybody = Listed(
    sql, "all", Staff,
    key=Sort("m.id", "uuid"),
    sorts={
        "created_at": Sort("m.created_at", "timestamptz"), "name": Sort("a.name", "text", is_nullable=True),
        "email": Sort("lower(a.email)", "text", is_nullable=True), "role": Sort("m.role", "text"),
        "last_login_at": Sort("a.last_login_at", "timestamptz", is_nullable=True),
    },
    default_sort=(("created_at", True),),
    filters={"role": AnyOf("m.role", "text"), "status": AnyOf(_STATUS, "text")},
    search="array_to_tsvector(search_words(a.name) || search_words(a.email)) @@ {}",
)  # fmt: skip

get = sql.row("get", Staff)
lock = sql.row("lock", Staff)
add_tie = sql.scalar("add_tie", UUID)
update = sql.run("update")
rename = sql.run("rename")
set_status = sql.run("set_status")
