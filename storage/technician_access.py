"""Rows of technicians as sign-in and their own profile see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("technician_access")


@dataclass(frozen=True, slots=True)
class TechnicianProfile:
    id: UUID
    code: str
    name: str
    phone: str | None
    email: str | None
    categories: list[str]
    tiers: list[str]
    working_hours: dict[str, Any]
    service_radius_m: int
    is_active: bool
    is_available: bool
    has_gone_dark: bool
    onboarding_status: str
    rating: float | None
    total_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    aadhaar_last4: str | None
    last_seen_at: datetime | None
    created_at: datetime


by_phone = sql.row("by_phone", TechnicianProfile)
get = sql.row("get", TechnicianProfile)
by_code = sql.row("by_code", TechnicianProfile)
