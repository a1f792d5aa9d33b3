"""Rows of addresses of customers: never deleted for good, one of them the default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("addresses")


@dataclass(frozen=True, slots=True)
class Address:
    id: UUID
    label: str
    line1: str
    line2: str | None
    city: str
    state: str
    postal_code: str
    country: str
    lat: float | None
    lng: float | None
    is_approximate: bool
    place_id: str | None
    is_default: bool
    created_at: datetime
    updated_at: datetime


lock_account = sql.scalar("lock_account", UUID)
of_account = sql.rows("of_account", Address)
count = sql.scalar("count", int)
get = sql.row("get", Address)
default_of = sql.row("default_of", Address)
insert = sql.row("insert", Address)
update = sql.row("update", Address)
no_default = sql.run("no_default")
remove = sql.run("remove")
promote_newest = sql.run("promote_newest")
located = sql.run("located")
