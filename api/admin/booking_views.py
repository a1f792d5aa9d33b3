"""Bookings as staff see them: everything, with who booked and who comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Literal
from uuid import UUID

from api.shared import amounts
from api.shared.amounts import AmountsOut
from api.shared.bookings import LineOut, line_out
from api.shared.objects import ContactObject, FactData, PlaceObject
from api.wire.models import Money, View
from storage.facts import BookingEvent
from storage.payments import Payment
from storage.refunds import Refund
from storage.staff_bookings import StaffBooking


class UserOut(View):
    id: UUID
    name: str | None
    phone_number: str | None
    email: str | None


class PartnerOut(View):
    """`status` is the job's; `assigned` while the offer is open."""

    id: UUID
    partner_code: str
    name: str
    phone_number: str | None
    rating: float | None
    status: str | None
    offer_expires_at: datetime | None


class PricingOut(View):
    subtotal: Money
    savings: Money
    discount: Money
    tax: Money
    grand_total: Money


class CancellationOut(View):
    cancelled_at: datetime
    cancelled_by: str
    reason: str | None
    fee: Money
    refund_amount: Money


class BookingOut(AmountsOut):
    """`queue_reason` is why people have to look, while they have to."""

    id: UUID
    booking_number: str
    system: str
    status: str
    booking_date: date
    booking_time: time
    timezone: str
    starts_at: datetime
    ends_at: datetime
    user: UserOut
    partner: PartnerOut | None
    services: list[LineOut]
    grand_total: Money
    currency: str
    pricing: PricingOut
    promo_code: str | None
    payment_method: str
    payment_status: str
    address: PlaceObject
    contact: ContactObject
    lat: float
    lng: float
    zone_id: UUID | None
    organization_id: UUID | None
    assignment_priority: int
    auto_assignment_enabled: bool
    round: int
    attempt: int
    queued_at: datetime | None
    queue_reason: str | None
    start_code: str | None
    rating: int | None
    feedback: str | None
    cancellation: CancellationOut | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class RefundOut(View):
    """`status` is processing until the money has arrived."""

    refund_id: UUID
    refund_amount: Money
    currency: str
    status: str
    to_wallet: bool
    reason: str
    notes: str | None
    requested_by: str
    failure_reason: str | None
    created_at: datetime
    settled_at: datetime | None


class PaymentOut(View):
    id: UUID
    kind: str
    payment_method: str | None
    status: str
    amount: Money
    captured: Money
    refunded: Money
    currency: str
    razorpay_order_id: str | None
    razorpay_payment_id: str | None
    failure_reason: str | None
    captured_at: datetime | None


class MoneyOut(View):
    """`refundable` is what was paid and not promised back."""

    payment_method: str
    status: str
    refundable: Money
    payments: list[PaymentOut]
    refunds: list[RefundOut]


class EventOut(View):
    """`by` is the kind of whoever did it, `actor_id` who it was."""

    seq: int
    action: str
    timestamp: datetime
    by: str
    actor_id: str | None
    data: FactData


class BookingDetail(View):
    booking: BookingOut
    user: UserOut
    partner: PartnerOut | None
    payment: MoneyOut
    services: list[LineOut]
    timeline: list[EventOut]


class ChangedOut(View):
    booking: BookingOut


class AssignmentOut(View):
    offer_id: UUID
    partner_id: UUID
    partner_name: str
    status: Literal["assigned"]
    expires_at: datetime


def booking_out(b: StaffBooking) -> BookingOut:
    return BookingOut(**_fields(b), **amounts.shown(b))


def detail_out(
    b: StaffBooking, payments: Sequence[Payment], refunds: Sequence[Refund], timeline: Sequence[BookingEvent]
) -> BookingDetail:
    shown = booking_out(b)
    return BookingDetail(
        booking=shown, user=shown.user, partner=shown.partner, services=shown.services,
        payment=MoneyOut(
            payment_method=b.payment_method, status=b.payment_status,
            refundable=sum(p.refundable_minor for p in payments if p.surplus_of is None),
            payments=[_payment(p) for p in payments], refunds=[refund_out(r) for r in refunds],
        ),
        timeline=[event_out(e) for e in timeline],
    )  # fmt: skip


def event_out(e: BookingEvent) -> EventOut:
    return EventOut(
        seq=e.seq, action=e.type, timestamp=e.at, by=e.actor_kind, actor_id=e.actor_id, data=e.data
    )  # fmt: skip


def refund_out(r: Refund) -> RefundOut:
    return RefundOut(
        refund_id=r.id, refund_amount=r.amount_minor, currency=r.currency, status=r.status, to_wallet=r.to_wallet,
        reason=r.reason, notes=r.notes, requested_by=r.requested_by, failure_reason=r.failure_reason,
        created_at=r.created_at, settled_at=r.settled_at,
    )  # fmt: skip


def _payment(p: Payment) -> PaymentOut:
    return PaymentOut(
        id=p.id, kind=p.kind, payment_method=p.method, status=p.status, amount=p.amount_minor,
        captured=p.captured_minor, refunded=p.refunded_minor, currency=p.currency,
        razorpay_order_id=p.gateway_order_id, razorpay_payment_id=p.gateway_payment_id,
        failure_reason=p.failure_reason, captured_at=p.captured_at,
    )  # fmt: skip


def _fields(b: StaffBooking) -> dict[str, Any]:
    person = gone = None
    if b.technician_id is not None and b.technician_code is not None and b.technician_name is not None:
        person = PartnerOut(
            id=b.technician_id, partner_code=b.technician_code, name=b.technician_name,
            phone_number=b.technician_phone, rating=b.technician_rating, status=b.assignment_state,
            offer_expires_at=b.offer_expires_at,
        )  # fmt: skip
    if b.cancelled_at is not None:
        gone = CancellationOut(
            cancelled_at=b.cancelled_at, cancelled_by=b.cancelled_by or "system", reason=b.cancellation_reason,
            fee=b.cancellation_fee_minor or 0, refund_amount=b.refund_minor or 0,
        )  # fmt: skip
    return {
        "id": b.id, "booking_number": b.number, "system": b.system, "status": b.status, "booking_date": b.local_date,
        "booking_time": b.local_time, "timezone": b.timezone, "starts_at": b.starts_at, "ends_at": b.ends_at,
        "user": UserOut(id=b.account_id, name=b.account_name, phone_number=b.account_phone, email=b.account_email),
        "partner": person, "services": [line_out(i) for i in b.items], "grand_total": b.grand_total_minor,
        "currency": b.currency, "pricing": PricingOut(
            subtotal=b.subtotal_minor, savings=b.savings_minor, discount=b.discount_minor, tax=b.tax_minor,
            grand_total=b.grand_total_minor,
        ),
        "promo_code": b.promo_code, "payment_method": b.payment_method, "payment_status": b.payment_status,
        "address": b.address, "contact": b.contact, "lat": b.lat, "lng": b.lng, "zone_id": b.zone_id,
        "organization_id": b.organisation_id, "assignment_priority": b.priority,
        "auto_assignment_enabled": b.auto_assign, "round": b.round, "attempt": b.attempt, "queued_at": b.queued_at,
        "queue_reason": b.queue_reason, "start_code": b.start_code, "rating": b.rating, "feedback": b.feedback,
        "cancellation": gone, "completed_at": b.completed_at, "created_at": b.created_at, "updated_at": b.updated_at,
    }  # fmt: skip
