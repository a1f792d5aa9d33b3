"""Rows of rota: who of the staff is on duty when, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("rota")
_IS_NOW = (
    "r.starts_at <= app_now() AND r.ends_at > app_now() AND EXISTS (SELECT FROM memberships m"
    " JOIN accounts p ON p.id = m.account_id WHERE m.account_id = r.account_id AND m.realm = 'admin'"
    " AND m.status = 'active' AND p.is_active)"
)


@dataclass(frozen=True, slots=True)
class Shift:
    """`is_now`: it goes on, and its person is reached: who is blocked meanwhile is not."""

    id: UUID
    account_id: UUID
    name: str | None
    email: str | None
    role: str | None
    starts_at: datetime
    ends_at: datetime
    channels: list[str]
    is_now: bool
    created_at: datetime


everything = Listed(
    sql, "all", Shift,
    key=Sort("r.id", "uuid"),
    sorts={"starts_at": Sort("r.starts_at", "timestamptz"), "ends_at": Sort("r.ends_at", "timestamptz")},
    default_sort=(("starts_at", True),),
    filters={
        "account_id": AnyOf("r.account_id", "uuid"),
        "is_now": f"({_IS_NOW}) = {{}}::boolean", **made_on_days("r.starts_at"),
    },
    indexed=[("starts_at", ()), ("starts_at", ("account_id",)), ("starts_at", ("date_from", "date_to"))],
)  # fmt: skip

get = sql.row("get", Shift)
lock = sql.row("lock", Shift)
insert = sql.scalar("insert", UUID)
update = sql.run("update")
remove = sql.run("remove")
