"""A customer's bookings: listed, looked at, cancelled, moved, rated."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from api.audiences import Customer, customer
from api.shared import amounts
from api.shared.amounts import AmountsOut
from api.shared.bookings import LineOut, PaymentMethod, PaymentStatus, Status, line_out
from api.shared.exports import ExportQuery, file, whole
from api.shared.objects import ContactObject, FactData, PaymentObject, PlaceObject
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, BookingTime, Day, Money, View
from api.wire.results import File, Message, Page
from dispatch.billing import cancellation, charges, payments, refunds
from dispatch.engine import bookings, customer_bookings
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage.customer_bookings import BookingView
from storage.database.pool import Conn
from storage.facts import BookingEvent
from storage.refunds import Refund


class TechnicianOut(View):
    """`status` is the job's: accepted, in_transit, arrived, in_progress, completed."""

    id: UUID
    name: str
    phone: str | None
    rating: float | None
    status: str | None


class BookingOut(AmountsOut):
    id: UUID
    booking_number: str
    status: str
    booking_date: date
    booking_time: time
    timezone: str
    starts_at: datetime
    grand_total: Money
    currency: str
    payment_method: str
    payment_status: str
    services: list[LineOut]
    partner: TechnicianOut | None
    address: PlaceObject
    created_at: datetime


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


class QuoteOut(View):
    """What cancelling costs now; from `free_until` on it costs a fee once a technician has accepted."""

    fee: Money
    refund_amount: Money
    free_until: datetime


class BookingDetail(BookingOut):
    """`start_code` is what the technician has to be told at the door, where that is required.

    `cancellation_quote` is what cancelling would cost, as long as it can be cancelled. While it can be paid online,
    `payment` is all that the payment page is opened with.
    """

    pricing: PricingOut
    payment: PaymentObject
    contact: ContactObject
    start_code: str | None
    rating: int | None
    feedback: str | None
    cancellation: CancellationOut | None
    cancellation_quote: QuoteOut | None


class PayByIn(Body):
    """An unpaid online booking can be paid at the door instead."""

    payment_method: Literal["cash"]


class CancelIn(Body):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] | None = None


class CancelledOut(View):
    """`refund_status` is `none` when nothing goes back, `completed` when all of it is in the wallet by now, else
    `processing`: the gateway is to settle it.
    """

    booking_id: UUID
    status: str
    cancellation_fee: Money
    refund_amount: Money
    refund_status: Literal["none", "processing", "completed"]


def _whole(value: Any) -> Any:
    # Phones that count stars in fractions write 5.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value


class RateIn(Body):
    rating: Annotated[int, Field(ge=1, le=5, strict=True), BeforeValidator(_whole)]
    feedback: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None


class RescheduleIn(Body):
    booking_date: Day
    booking_time: BookingTime


class EventOut(View):
    seq: int
    action: str
    by: str
    timestamp: datetime
    data: FactData


LIST = Grammar(
    key="bookings", source=customer_bookings.LIST,
    filters={
        "status": Status, "payment_status": PaymentStatus, "payment_method": PaymentMethod, "date": Day, **DAYS,
    },
)  # fmt: skip


@customer.route("GET", "/bookings", scope="bookings:read", listing=LIST, tags=["bookings"])
async def list_bookings(services: Services, caller: Customer, listing: Listing) -> Page[BookingOut]:
    """The customer's bookings, the newest first; `date_from` and `date_to` are days of the visit."""
    async with services.read() as conn:
        found = await customer_bookings.page(conn, caller.account_id, listing.wanted)
    return Page.of(found, lambda b: BookingOut(**_shown(services, b)))


COLUMNS = (
    "Booking", "Date", "Time", "Services", "Technician", "Address", "Status", "Payment method", "Payment status",
    "Total", "Currency",
)  # fmt: skip


@customer.route("GET", "/bookings/export", scope="bookings:read", listing=whole(LIST), tags=["bookings"])
async def export_bookings(services: Services, caller: Customer, query: ExportQuery, listing: Listing) -> File:
    """All bookings that the list would show, as a file: csv, xlsx, pdf."""
    pieces = exports.export(
        services, query.format, "Bookings", COLUMNS, customer_bookings.LIST, listing.wanted, _booking_line,
        account_id=caller.account_id,
    )  # fmt: skip
    return file(pieces, "bookings", query.format)


def _booking_line(b: BookingView) -> list[Cell]:
    services = ", ".join(f"{i['quantity']} x {i['name']}" for i in b.items)
    place = ", ".join(filter(None, (b.address.get("address_line1"), b.address.get("city"))))
    return [
        b.number, b.local_date, b.local_time, services, b.technician_name, place, b.status, b.payment_method,
        b.payment_status, customer.dialect.money(b.grand_total_minor), b.currency,
    ]  # fmt: skip


@customer.route("GET", "/bookings/{id}", scope="bookings:read", tags=["bookings"])
async def get_booking(services: Services, caller: Customer, id: UUID) -> BookingDetail:
    """One booking with its prices, technician and payment."""
    async with services.read() as conn:
        return await _detail(services, conn, caller.account_id, id)


@customer.route("POST", "/bookings/{id}/cancel", scope="bookings:write", idempotency="optional", tags=["bookings"])
async def cancel_booking(services: Services, caller: Customer, id: UUID, body: CancelIn) -> CancelledOut:
    """Cancels a booking that has not begun; free at first, later for a fee."""
    booking, cost = await services.retrying(
        lambda tx: cancellation.cancel(tx, id, caller.account_id, body.reason, actor=caller.actor)
    )
    back: list[Refund] = []
    if cost.refund_minor:
        async with services.read() as conn:
            back = await refunds.of_booking(conn, id)
    return CancelledOut(
        booking_id=booking.id, status=booking.status, cancellation_fee=cost.fee_minor,
        refund_amount=cost.refund_minor, refund_status=refunds.outcome(back),
    )  # fmt: skip


@customer.route("POST", "/bookings/{id}/rate", scope="bookings:write", tags=["bookings"])
async def rate_booking(services: Services, caller: Customer, id: UUID, body: RateIn) -> Message:
    """One to five stars for a completed booking, once."""
    async with services.transaction() as tx:
        await bookings.rate(tx, id, caller.account_id, body.rating, body.feedback)
    return Message("Rating submitted successfully")


@customer.route("POST", "/bookings/{id}/reschedule", scope="bookings:write", tags=["bookings"])
async def reschedule_booking(services: Services, caller: Customer, id: UUID, body: RescheduleIn) -> BookingDetail:
    """Moves a booking that has not begun to another free time."""
    await customer_bookings.reschedule(
        services, caller.account_id, id, body.booking_date, body.booking_time, actor=caller.actor
    )
    async with services.read() as conn:
        return await _detail(services, conn, caller.account_id, id)


@customer.route("PATCH", "/bookings/{id}/payment-method", tags=["bookings"])
async def pay_by(services: Services, caller: Customer, id: UUID, body: PayByIn) -> BookingDetail:
    """Pay an unpaid online booking in cash at the door; a technician is searched for before the answer."""
    await services.retrying(lambda tx: charges.switch_to_cash(tx, id, caller.account_id))
    await payments.search(services, id)
    async with services.read() as conn:
        return await _detail(services, conn, caller.account_id, id)


@customer.route("GET", "/bookings/{id}/timeline", scope="bookings:read", tags=["bookings"])
async def booking_timeline(services: Services, caller: Customer, id: UUID) -> list[EventOut]:
    """What has happened to a booking, in order."""
    async with services.read() as conn:
        found = await customer_bookings.timeline(conn, caller.account_id, id)
        return [_event(e, caller.actor.kind) for e in found]


async def _detail(services: Services, conn: Conn, account_id: UUID, booking_id: UUID) -> BookingDetail:
    b = await customer_bookings.get(conn, account_id, booking_id)
    gone = None
    if b.cancelled_at is not None:
        gone = CancellationOut(
            cancelled_at=b.cancelled_at, cancelled_by=b.cancelled_by or "system",
            reason=b.cancellation_reason,
            fee=b.cancellation_fee_minor or 0, refund_amount=b.refund_minor or 0,
        )  # fmt: skip
    quote = await cancellation.quote(services, conn, b)
    return BookingDetail(
        **_shown(services, b), contact=b.contact, start_code=b.start_code, rating=b.rating, feedback=b.feedback,
        cancellation=gone, payment=await payments.of_booking(services, conn, b),
        cancellation_quote=QuoteOut(
            fee=quote.outcome.fee_minor, refund_amount=quote.outcome.refund_minor, free_until=quote.free_until
        ) if quote else None,
        pricing=PricingOut(
            subtotal=b.subtotal_minor, savings=b.savings_minor, discount=b.discount_minor, tax=b.tax_minor,
            grand_total=b.grand_total_minor,
        ),
    )  # fmt: skip


def _shown(services: Services, b: BookingView) -> dict[str, Any]:
    person = None
    if b.technician_id is not None and b.technician_name is not None:
        person = TechnicianOut(
            id=b.technician_id, name=b.technician_name, phone=customer_bookings.phone_of(services, b),
            rating=b.technician_rating, status=b.assignment_state,
        )  # fmt: skip
    return {
        "id": b.id, "booking_number": b.number, "status": b.status, "booking_date": b.local_date,
        "booking_time": b.local_time, "timezone": b.timezone, "starts_at": b.starts_at,
        "grand_total": b.grand_total_minor, **amounts.shown(b), "currency": b.currency,
        "payment_method": b.payment_method, "payment_status": b.payment_status,
        "services": [line_out(i) for i in b.items], "partner": person, "address": b.address, "created_at": b.created_at,
    }  # fmt: skip


def _event(event: BookingEvent, reader: str) -> EventOut:
    return EventOut(
        seq=event.seq,
        action=event.type,
        by=event.actor_kind,
        timestamp=event.at,
        data=customer_bookings.shown(event, reader),
    )
