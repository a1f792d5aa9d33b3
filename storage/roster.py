"""Rows of technicians as dispatch sees them: capabilities, presence, last position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("roster")


@dataclass(frozen=True, slots=True)
class TechnicianRow:
    id: UUID
    no: int
    code: str
    name: str
    phone: str | None
    provider_id: UUID | None
    categories: list[str]
    tiers: list[str]
    working_hours: dict[str, Any]
    service_radius_m: int
    base_lat: float | None
    base_lng: float | None
    zone_id: UUID | None
    is_active: bool
    is_available: bool
    onboarding_status: str
    rating: float | None
    total_bookings: int
    cancelled_bookings: int
    idle_since: datetime
    changed_at: datetime
    last_lat: float | None
    last_lng: float | None
    last_accuracy_m: float | None
    last_fix_at: datetime | None
    last_is_dispatchable: bool | None
    days_off: list[date]


@dataclass(frozen=True, slots=True)
class Changed:
    """A technician whose presence the server changed."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Presence:
    """What a technician said of themselves, or staff of them; `is_new`: it was otherwise before."""

    seen_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """A technician whose row changed, and when."""

    id: UUID
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SavedPosition:
    """A last position as some node wrote it."""

    no: int
    lat: float
    lng: float
    accuracy_m: float | None
    fix_at_s: float
    is_dispatchable: bool


everyone = sql.rows("everyone", TechnicianRow)
touched = sql.rows("touched", Touched)
named = sql.rows("named", TechnicianRow)
save_positions = sql.run("save_positions")
positions_since = sql.rows("positions_since", SavedPosition)
set_available = sql.row("set_available", Presence)
gone_dark = sql.rows("gone_dark", Changed)
back_again = sql.rows("back_again", Changed)
set_working_hours = sql.run("set_working_hours")
