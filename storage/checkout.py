"""Rows of checkout previews: a price that stands for two minutes, and the booking that came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("checkout")


@dataclass(frozen=True, slots=True)
class PreviewRow:
    id: UUID
    account_id: UUID
    items: list[dict[str, Any]]
    zone_id: UUID | None
    address_id: UUID | None
    booking_date: date | None
    starts_at: datetime | None
    duration_minutes: int
    currency: str
    timezone: str
    subtotal_minor: int
    savings_minor: int
    discount_minor: int
    tax_minor: int
    grand_total_minor: int
    promo_code_id: UUID | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Booked:
    """The booking that a preview became, as its confirm is answered."""

    id: UUID
    number: str
    status: str
    grand_total_minor: int
    currency: str
    address_id: UUID | None
    local_date: date
    local_time: time
    payment_method: str
    contact: dict[str, Any]


insert_preview = sql.run("insert_preview")
live_preview = sql.row("live_preview", PreviewRow)
lock_preview = sql.scalar("lock_preview", UUID)
sweep_previews = sql.run("sweep_previews")
booked_from = sql.row("booked_from", Booked)
