"""Everybody's bookings: found, looked at, moved along, cancelled, paid back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.admin.booking_views import (
    BookingDetail,
    BookingOut,
    ChangedOut,
    EventOut,
    RefundOut,
    booking_out,
    detail_out,
    event_out,
    refund_out,
)
from api.audiences import Admin, admin
from api.shared.bookings import PaymentMethod, PaymentStatus, Status
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, BookingTime, Day, Money, View, Whole
from api.wire.results import File, Page
from dispatch.billing import booking_invoice, cancellation, refunds, staff_steps
from dispatch.engine import audit, bookings, customer_bookings, lifecycle
from dispatch.engine.offers import NoCandidate
from dispatch.errors import Missing, NotAllowed
from dispatch.reports import exports
from dispatch.reports.rows import CONTENT_TYPES, Cell
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import facts as fact_rows
from storage import payments as payment_rows
from storage import staff_bookings as rows
from storage.bookings import Booking
from storage.refunds import Refund
from storage.staff_bookings import StaffBooking

Notes = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Positive = Annotated[Money, Field(gt=0)]
NotNegative = Annotated[Money, Field(ge=0)]

BOOKINGS = Grammar(
    key="bookings", source=rows.everybodys,
    filters={
        "status": Status, "payment_status": PaymentStatus, "payment_method": PaymentMethod, "partner_id": UUID,
        "user_id": UUID, "zone_id": UUID, "organization_id": UUID, "system": str, "currency": str,
        "service_category": str, "service_tier": str, "rating": Whole,
        "is_queued": Once(bool), "is_assigned": Once(bool), "created_from": Once(Day), "created_to": Once(Day),
        "date": Day, **DAYS,
    },
    aliases={"technician_id": "partner_id", "customer_id": "user_id", "category": "service_category"},
    names={
        "partner_id": "technician_id", "user_id": "account_id", "organization_id": "organisation_id",
        "service_category": "category", "service_tier": "tier",
    },
)  # fmt: skip


class StatusIn(Body):
    status: Status
    notes: Notes | None = None


class PreferIn(Body):
    """Without automatic assignment an open offer goes on, and the next step is the manual queue."""

    assignment_priority: Whole | None = None
    auto_assignment_enabled: bool | None = None


class MoveIn(Body):
    booking_date: Day
    booking_time: BookingTime


class CancelIn(Body):
    """Without `refund_amount` all that was paid goes back."""

    reason: Reason
    refund_amount: NotNegative | None = None
    refund_to_wallet: bool = False


class CancelRefund(View):
    """`status` is none when nothing goes back, completed when it is in the wallet, else processing."""

    refund_amount: Money
    currency: str
    status: Literal["none", "processing", "completed"]
    to_wallet: bool
    refunds: list[RefundOut]


class CancelledOut(View):
    booking: BookingOut
    refund: CancelRefund


class RefundIn(Body):
    amount: Positive
    reason: Reason
    notes: Notes | None = None
    refund_to_wallet: bool = False


class RefundedOut(View):
    """The first refund by its id and all that went back; what was paid in several ways goes back in several parts."""

    refund_id: UUID
    refund_amount: Money
    currency: str
    status: str
    refunds: list[RefundOut]


async def _shown(services: Services, booking_id: UUID) -> StaffBooking:
    async with services.read() as conn:
        found = await rows.get(conn, booking_id=booking_id)
    if found is None:
        raise Missing("booking")
    return found


async def _changed(services: Services, booking_id: UUID) -> ChangedOut:
    return ChangedOut(booking=booking_out(await _shown(services, booking_id)))


@admin.route("GET", "/bookings", permission="bookings:read", listing=BOOKINGS, tags=["bookings"])
async def list_bookings(services: Services, caller: Admin, listing: Listing) -> Page[BookingOut]:
    """Everybody's bookings, the newest first; `date_*` are days of the visit, `created_*` of the booking."""
    async with services.read() as conn:
        return Page.of(
            await rows.everybodys.page(conn, listing.wanted, timezone=services.settings.timezone), booking_out
        )


COLUMNS = (
    "Booking", "Made", "Date", "Time", "Status", "Customer", "Phone", "Technician", "Services", "City",
    "Payment method", "Payment status", "Total", "Currency", "Rating",
)  # fmt: skip


@admin.route("GET", "/bookings/export", permission="bookings:read", listing=whole(BOOKINGS), tags=["bookings"])
async def export_bookings(services: Services, caller: Admin, query: ExportQuery, listing: Listing) -> File:
    """All bookings that the list would show, as a file: csv, xlsx, pdf."""
    pieces = exports.export(
        services, query.format, "Bookings", COLUMNS, rows.everybodys, listing.wanted, _line,
        timezone=services.settings.timezone,
    )  # fmt: skip
    return file(pieces, "bookings", query.format)


def _line(b: StaffBooking) -> list[Cell]:
    return [
        b.number, b.created_at, b.local_date, b.local_time, b.status, b.account_name, b.account_phone,
        b.technician_name, ", ".join(f"{i['quantity']} x {i['name']}" for i in b.items), b.address.get("city"),
        b.payment_method, b.payment_status, admin.dialect.money(b.grand_total_minor), b.currency, b.rating,
    ]  # fmt: skip


@admin.route("GET", "/bookings/{id}", permission="bookings:read", tags=["bookings"])
async def detail(services: Services, caller: Admin, id: UUID) -> BookingDetail:
    """One booking with its customer, technician, payments, refunds and all that happened to it."""
    found = await _shown(services, id)
    async with services.read() as conn:
        paid = await payment_rows.of_booking(conn, booking_id=id)
        back = await refunds.of_booking(conn, id)
        return detail_out(found, paid, back, await fact_rows.timeline(conn, booking_id=id))


@admin.route("GET", "/bookings/{id}/timeline", permission="bookings:read", tags=["bookings"])
async def timeline(services: Services, caller: Admin, id: UUID) -> list[EventOut]:
    """What has happened to a booking, in order."""
    await _shown(services, id)
    async with services.read() as conn:
        return [event_out(e) for e in await fact_rows.timeline(conn, booking_id=id)]


@admin.route("GET", "/bookings/{id}/invoice", permission="bookings:read", tags=["bookings"])
async def invoice(services: Services, caller: Admin, id: UUID) -> File:
    """The invoice of a booking that has its technician, as PDF."""
    found = await _shown(services, id)
    return File(await booking_invoice.pdf(services, found), f"invoice_{found.number}.pdf", CONTENT_TYPES["pdf"])


@admin.route("PATCH", "/bookings/{id}/status", permission="bookings:write", tags=["bookings"])
async def set_status(services: Services, caller: Admin, id: UUID, body: StatusIn) -> ChangedOut:
    """Take a booking to another status, where a step leads there; what follows from the step follows.

    `refunded` pays back, and needs the right to.
    """
    await change_status(services, caller, id, body)
    return await _changed(services, id)


async def change_status(services: Services, caller: Admin, booking_id: UUID, body: StatusIn) -> Booking:
    """Takes one booking along, in transactions of its own. Raises NotAllowed where the caller may not pay back,
    NoCandidate, and what the step raises."""
    if body.status == "refunded" and not caller.grants.allow("refunds:write"):
        raise NotAllowed("Only who may pay back takes a booking to refunded.")
    after = await services.retrying(
        lambda tx: staff_steps.set_status(tx, booking_id, caller.actor, body.status, body.notes)
    )
    if body.status == "partner_assigned" and after.status == "pending":
        raise NoCandidate
    return after


@admin.route("PATCH", "/bookings/{id}", permission="bookings:write", tags=["bookings"])
async def prefer(services: Services, caller: Admin, id: UUID, body: PreferIn) -> ChangedOut:
    """How important a booking is in the queue and the search, and whether it is searched for by itself."""
    await services.retrying(
        lambda tx: bookings.prefer(
            tx, id, caller.actor, priority=body.assignment_priority, auto_assign=body.auto_assignment_enabled
        )
    )
    return await _changed(services, id)


@admin.route("POST", "/bookings/{id}/reschedule", permission="bookings:write", tags=["bookings"])
async def move(services: Services, caller: Admin, id: UUID, body: MoveIn) -> ChangedOut:
    """Move a booking that nobody is on the way to; its technician keeps it when free then."""
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=id)
    if booking is None:
        raise Missing("booking")
    await customer_bookings.move(services, booking, caller.actor, body.booking_date, body.booking_time)
    return await _changed(services, id)


class CancellationCostOut(View):
    """What the customer's own cancelling would cost now, and what would go back; a fee counts from `free_until` on."""

    fee: Money
    refund: Money
    currency: str
    free_until: datetime


@admin.route("GET", "/bookings/{id}/cancellation", permission="bookings:read", tags=["bookings"])
async def cancellation_cost(services: Services, caller: Admin, id: UUID) -> CancellationCostOut:
    """What cancelling would cost the customer now: staff decide by it what to give back."""
    found = await _shown(services, id)
    async with services.read() as conn:
        quote = await cancellation.quote(services, conn, found)
    if quote is None:
        raise lifecycle.wrong_state("booking", found.status, "cancel")
    return CancellationCostOut(
        fee=quote.outcome.fee_minor, refund=quote.outcome.refund_minor, currency=found.currency,
        free_until=quote.free_until,
    )  # fmt: skip


@admin.route("POST", "/bookings/{id}/cancel", permission="bookings:write", idempotency="optional", tags=["bookings"])
async def cancel(services: Services, caller: Admin, id: UUID, body: CancelIn) -> CancelledOut:
    """Cancel a booking that has not begun; free of charge, and what was paid, or a part of it, goes back."""
    _, cost = await services.retrying(
        lambda tx: cancellation.cancel_by_staff(
            tx, id, caller.actor, body.reason, refund_minor=body.refund_amount, to_wallet=body.refund_to_wallet
        )
    )
    found = await _shown(services, id)
    async with services.read() as conn:
        back = await refunds.of_booking(conn, id)
    return CancelledOut(
        booking=booking_out(found),
        refund=CancelRefund(
            refund_amount=cost.refund_minor, currency=found.currency, status=refunds.outcome(back),
            to_wallet=body.refund_to_wallet,
            refunds=[refund_out(r) for r in back],
        ),
    )  # fmt: skip


@admin.route("POST", "/bookings/{id}/refund", permission="refunds:write", idempotency="optional", tags=["bookings"])
async def refund(services: Services, caller: Admin, id: UUID, body: RefundIn) -> RefundedOut:
    """Give back a part or all of what was paid for a booking."""

    async def work(tx: Tx) -> list[Refund]:
        made = await refunds.request_for_booking(
            tx, id, body.amount, reason=body.reason, requested_by=caller.key, to_wallet=body.refund_to_wallet,
            notes=body.notes,
        )  # fmt: skip
        asked = {
            "amount_minor": body.amount, "currency": made[0].currency, "reason": body.reason, "notes": body.notes,
            "to_wallet": body.refund_to_wallet, "refund_ids": [r.id for r in made],
        }  # fmt: skip
        await audit.record(tx, caller.actor, "refund_booking", "booking", id, asked)
        return made

    made = await services.retrying(work)
    return RefundedOut(
        refund_id=made[0].id, refund_amount=sum(r.amount_minor for r in made), currency=made[0].currency,
        status=refunds.outcome(made), refunds=[refund_out(r) for r in made],
    )  # fmt: skip


@admin.route("GET", "/bookings/{id}/refunds", permission="refunds:read", tags=["bookings"])
async def list_refunds(services: Services, caller: Admin, id: UUID) -> list[RefundOut]:
    """What went back of a booking, or is on its way, the oldest first."""
    await _shown(services, id)
    async with services.read() as conn:
        return [refund_out(r) for r in await refunds.of_booking(conn, id)]
