"""Rows of zones and their pincodes: where services are offered, under which clock and currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("zones")


@dataclass(frozen=True, slots=True)
class ZoneRow:
    id: UUID
    code: str
    name: str
    city: str | None
    state: str | None
    boundary: dict[str, Any]
    centre_lat: float
    centre_lng: float
    timezone: str
    currency: str
    opens: time
    closes: time
    days: list[int]
    is_active: bool


@dataclass(frozen=True, slots=True)
class PincodeRow:
    pincode: str
    zone_id: UUID
    lat: float
    lng: float


@dataclass(frozen=True, slots=True)
class ZoneSummary:
    """A zone without its boundary. `services` have a price in its currency, `technicians` are bound to it."""

    id: UUID
    code: str
    name: str
    city: str | None
    state: str | None
    centre_lat: float
    centre_lng: float
    timezone: str
    currency: str
    opens: time
    closes: time
    days: list[int]
    is_active: bool
    created_at: datetime
    updated_at: datetime
    pincodes: list[str]
    services: int
    technicians: int


@dataclass(frozen=True, slots=True)
class ZoneFile(ZoneSummary):
    """A zone as staff keep it."""

    boundary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Losing:
    """The pincodes of a zone before and after another takes some of them."""

    zone_id: UUID
    before: list[str]
    after: list[str]


everything = sql.rows("everything", ZoneRow)
pincodes = sql.rows("pincodes", PincodeRow)
version = sql.scalar("version", str)
upsert = sql.scalar("upsert", UUID)
put_pincodes = sql.run("put_pincodes")
move_pincodes = sql.run("move_pincodes")
losing = sql.rows("losing", Losing)
set_active = sql.run("set_active")
get = sql.row("get", ZoneFile)
lock = sql.row("lock", ZoneFile)
claim = sql.scalar("claim", UUID)
drop_pincodes = sql.run("drop_pincodes")

#: All of them, inactive ones too.
all_zones = Listed(
    sql, "all", ZoneSummary,
    key=Sort("z.id", "uuid"),
    sorts={
        "code": Sort("z.code", "text"), "name": Sort("z.name", "text"),
        "created_at": Sort("z.created_at", "timestamptz"),
    },
    default_sort=(("code", False),),
    filters={
        "is_active": "z.is_active = {}::boolean", "city": AnyOf("z.city", "text"), "state": AnyOf("z.state", "text"),
        "currency": AnyOf("z.currency", "text"), "timezone": AnyOf("z.timezone", "text"),
    },
    search="array_to_tsvector(search_words(z.name) || search_words(z.code) || search_words(z.city)) @@ {}",
)  # fmt: skip
