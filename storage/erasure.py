"""What an account may take with it (export) and what is wiped when its owner leaves (erasure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("erasure")


@dataclass(frozen=True, slots=True)
class ExportedAddress:
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
    is_default: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedBooking:
    id: UUID
    number: str
    status: str
    local_date: date
    local_time: time
    timezone: str
    address: dict[str, Any]
    contact: dict[str, Any]
    payment_method: str
    payment_status: str
    currency: str
    grand_total_minor: int
    rating: int | None
    feedback: str | None
    cancellation_reason: str | None
    created_at: datetime
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportedSubmission:
    id: UUID
    subject: str | None
    message: str
    created_at: datetime


lock_bookings = sql.scalar("lock_bookings", int)
open_bookings = sql.scalar("open_bookings", int)
erase_account = sql.run("erase_account")
erase_addresses = sql.run("erase_addresses")
erase_bookings = sql.run("erase_bookings")
erase_booking_events = sql.run("erase_booking_events")
erase_offers_told = sql.run("erase_offers_told")
erase_gateway_payloads = sql.run("erase_gateway_payloads")
erase_notifications = sql.run("erase_notifications")
erase_outbox = sql.run("erase_outbox")
erase_contact_submissions = sql.run("erase_contact_submissions")
erase_previews = sql.run("erase_previews")
erase_answers = sql.run("erase_answers")
erase_command_answers = sql.run("erase_command_answers")
end_memberships = sql.run("end_memberships")
export_addresses = sql.rows("export_addresses", ExportedAddress)
export_bookings = sql.rows("export_bookings", ExportedBooking)
export_contact_submissions = sql.rows("export_contact_submissions", ExportedSubmission)
