"""Rows of zones and their pincodes: where services are offered, under which clock and currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

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


everything = sql.rows("everything", ZoneRow)
pincodes = sql.rows("pincodes", PincodeRow)
version = sql.scalar("version", str)
upsert = sql.scalar("upsert", UUID)
put_pincode = sql.run("put_pincode")
set_active = sql.run("set_active")
