"""Rows of webhook endpoints: where events go, for whom, under which sealed secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort
from storage.database.orders import MAX_CURSOR_TEXT

sql = Statements("webhooks")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`failing_since`: the first failed try since the last success. `previous_until`: the old one signs until then."""

    id: UUID
    owner_kind: str
    owner_id: UUID | None
    url: str
    events: list[str]
    description: str | None
    is_active: bool
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Reader:
    address: str


insert = sql.row("insert", Endpoint)
count_of_owner = sql.scalar("count_of_owner", int)
lock_owner = sql.run("lock_owner")
find = sql.row("find", Endpoint)
change = sql.row("change", Endpoint)
delete = sql.scalar("delete", UUID)
delete_of_owner = sql.rows("delete_of_owner", Endpoint)
rotate = sql.row("rotate", Endpoint)
succeeded = sql.scalar("succeeded", datetime)
failed = sql.scalar("failed", datetime)
disable = sql.row("disable", Endpoint)
tell_failed = sql.row("tell_failed", Endpoint)
readers = sql.rows("readers", Reader)
purge_deleted = sql.run("purge_deleted")

of_owner = Listed(
    sql, "of_owner", Endpoint,
    key=Sort("w.id", "uuid"),
    # A cursor carries the address, so no more of it than a cursor takes.
    sorts={"created_at": Sort("w.created_at", "timestamptz"), "url": Sort(f"left(w.url, {MAX_CURSOR_TEXT})", "text")},
    default_sort=(("created_at", True),),
    filters={"is_active": "w.is_active = {}::boolean", "event": "w.events && {}::text[]", "id": AnyOf("w.id", "uuid")},
    indexed=[("created_at", ())],
)  # fmt: skip
