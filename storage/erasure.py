"""What an account may take with it (export) and what is wiped when its owner leaves (erasure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.facts import BookingEvent

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
    cancellation_fee_minor: int | None
    refund_minor: int | None
    rating: int | None
    feedback: str | None
    cancellation_reason: str | None
    created_at: datetime
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportedPayment:
    id: UUID
    booking_id: UUID | None
    kind: str
    method: str | None
    status: str
    currency: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    gateway_payment_id: str | None
    created_at: datetime
    captured_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedRefund:
    id: UUID
    payment_id: UUID
    booking_id: UUID | None
    amount_minor: int
    currency: str
    to_wallet: bool
    status: str
    reason: str
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedMovement:
    kind: str
    booking_id: UUID | None
    description: str | None
    at: datetime
    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ExportedLetter:
    id: UUID
    name: str
    email: str
    phone: str | None
    subject: str | None
    message: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedMessage:
    channel: str
    recipient: str
    template: str
    body: str
    state: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class BookingId:
    id: UUID


@dataclass(frozen=True, slots=True)
class MemberId:
    id: UUID


lock_bookings = sql.scalar("lock_bookings", int)
open_bookings = sql.scalar("open_bookings", int)
erase_account = sql.run("erase_account")
erase_addresses = sql.run("erase_addresses")
erase_bookings = sql.run("erase_bookings")
erase_booking_events = sql.run("erase_booking_events")
erase_offers_told = sql.run("erase_offers_told")
erase_gateway_payloads = sql.run("erase_gateway_payloads")
erase_order_words = sql.run("erase_order_words")
erase_notifications = sql.run("erase_notifications")
erase_outbox = sql.run("erase_outbox")
proves_email = sql.scalar("proves_email", bool)
erase_answers_given = sql.run("erase_answers_given")
erase_assignments = sql.run("erase_assignments")
erase_letters = sql.run("erase_letters")
purge_letters = sql.run("purge_letters")
own_letters = sql.run("own_letters")
own_messages = sql.run("own_messages")
bookings_of = sql.rows("bookings_of", BookingId)
bookings_before = sql.rows("bookings_before", BookingId)
erase_previews = sql.run("erase_previews")
erase_answers = sql.run("erase_answers")
erase_command_answers = sql.run("erase_command_answers")
erase_app_customer = sql.run("erase_app_customer")
lock_erp_customer = sql.scalar("lock_erp_customer", int)
erase_erp_customer = sql.run("erase_erp_customer")
end_memberships = sql.run("end_memberships")
members_of = sql.rows("members_of", MemberId)
erase_members = sql.rows("erase_members", MemberId)
erase_member_phones = sql.run("erase_member_phones")
erase_enrolments = sql.run("erase_enrolments")
erase_payers = sql.run("erase_payers")
erase_provider_customers = sql.run("erase_provider_customers")
export_addresses = sql.rows("export_addresses", ExportedAddress)
export_bookings = sql.rows("export_bookings", ExportedBooking)
export_events = sql.rows("export_events", BookingEvent)
export_payments = sql.rows("export_payments", ExportedPayment)
export_refunds = sql.rows("export_refunds", ExportedRefund)
export_wallet = sql.rows("export_wallet", ExportedMovement)
export_letters = sql.rows("export_letters", ExportedLetter)
export_messages = sql.rows("export_messages", ExportedMessage)
