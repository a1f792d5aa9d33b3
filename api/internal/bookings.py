"""What staff do to a booking through the services of the house: prefer it, move it, cancel it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from api.audiences import Service, internal
from api.wire.models import Body, BookingTime, Day, Money, View, Whole
from dispatch.billing import cancellation
from dispatch.engine import bookings, customer_bookings
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.services import Services
from storage import bookings as booking_rows
from storage.bookings import Booking


class PreferIn(Body):
    """Without automatic assignment an open offer goes on, and the next step is the manual queue."""

    assignment_priority: Whole | None = None
    auto_assignment_enabled: bool | None = None


class MoveIn(Body):
    booking_date: Day
    booking_time: BookingTime


class CancelIn(Body):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class BookingOut(View):
    id: UUID
    booking_number: str
    status: str
    booking_date: date
    booking_time: time
    starts_at: datetime
    assignment_priority: int
    auto_assignment_enabled: bool


class CancelledOut(View):
    """`refund_status` is `none` when nothing was paid, else `processing` until the gateway has settled it."""

    booking_id: UUID
    status: str
    refund_amount: Money
    refund_status: Literal["none", "processing"]


def _staff(caller: Service) -> Actor:
    """Staff act through the service, which answers for who they are."""
    return Actor("admin", caller.name)


def _booking(b: Booking) -> BookingOut:
    return BookingOut(
        id=b.id, booking_number=b.number, status=b.status, booking_date=b.local_date, booking_time=b.local_time,
        starts_at=b.starts_at, assignment_priority=b.priority, auto_assignment_enabled=b.auto_assign,
    )  # fmt: skip


@internal.route("PATCH", "/bookings/{id}", tags=["dispatch"])
async def prefer(services: Services, caller: Service, id: UUID, body: PreferIn) -> BookingOut:
    """How important a booking is in the queue and the search, and whether it is searched for by itself."""
    return _booking(
        await services.retrying(
            lambda tx: bookings.prefer(
                tx, id, _staff(caller), priority=body.assignment_priority, auto_assign=body.auto_assignment_enabled
            )
        )
    )


@internal.route("POST", "/bookings/{id}/reschedule", tags=["dispatch"])
async def move(services: Services, caller: Service, id: UUID, body: MoveIn) -> BookingOut:
    """Move a booking that nobody is on the way to; its technician keeps it when free then."""
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=id)
    if booking is None:
        raise Missing("booking")
    return _booking(
        await customer_bookings.move(services, booking, _staff(caller), body.booking_date, body.booking_time)
    )


@internal.route("POST", "/bookings/{id}/cancel", tags=["dispatch"])
async def cancel(services: Services, caller: Service, id: UUID, body: CancelIn) -> CancelledOut:
    """Cancel a booking that has not begun, for the house: free of charge, what was paid goes back."""
    booking, cost = await services.retrying(
        lambda tx: cancellation.cancel_by_staff(tx, id, _staff(caller), body.reason)
    )
    return CancelledOut(
        booking_id=booking.id, status=booking.status, refund_amount=cost.refund_minor,
        refund_status="processing" if cost.refund_minor else "none",
    )  # fmt: skip
