"""A technician's bookings: listed, answered, driven to, done, given back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from api.audiences import Technician, technician
from api.shared.signing import StartCode
from api.shared.texts import BLANK_IS_ABSENT
from api.technician.views import Job, job
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, Day, Moment, Money, View
from api.wire.results import Page
from dispatch.billing import earnings
from dispatch.engine import jobs, offers, technician_bookings
from dispatch.services import Services, Tx
from storage.bookings import Booking

State = Literal[
    "assigned", "accepted", "rejected", "expired", "withdrawn", "in_transit", "arrived", "in_progress", "completed",
    "cancelled", "pending", "partner_assigned", "confirmed",
]  # fmt: skip
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]

LIST = Grammar(
    key="bookings", source=technician_bookings.LIST, filters={"status": State, "date": Day, **DAYS}
)  # fmt: skip


class Answered(View):
    """`status` is the booking's after an accept, the offer's after a reject (C63)."""

    booking: Job
    status: str


class Advanced(View):
    booking: Job


class EarningOut(View):
    amount: Money
    status: str


class Completed(View):
    booking: Job
    earning: EarningOut


class RejectIn(Body):
    reason: Reason | None = None


class GiveBackIn(Body):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class StartIn(Body):
    """`start_code` is what the customer shows, where the booking asks for one."""

    start_code: StartCode | None = None


class StatusIn(StartIn):
    status: Literal["in_transit", "arrived", "in_progress"]
    estimated_arrival: Annotated[Moment | None, BLANK_IS_ABSENT] = None


class CompleteIn(Body):
    service_completed_at: Annotated[Moment | None, BLANK_IS_ABSENT] = None


async def _view(services: Services, technician_id: UUID, booking_id: UUID) -> Job:
    async with services.read() as conn:
        return job(services, await technician_bookings.get(conn, technician_id, booking_id))


@technician.route("GET", "/bookings", listing=LIST, tags=["jobs"])
async def page(services: Services, caller: Technician, listing: Listing) -> Page[Job]:
    """Open offers and own jobs, newest first."""
    async with services.read() as conn:
        found = await technician_bookings.page(conn, caller.technician_id, listing.wanted)
    return Page.of(found, lambda entry: job(services, entry))


@technician.route("GET", "/bookings/{id}", tags=["jobs"])
async def get(services: Services, caller: Technician, id: UUID) -> Job:
    """One offer or job of mine."""
    return await _view(services, caller.technician_id, id)


@technician.route("POST", "/bookings/{id}/accept", tags=["jobs"])
async def accept(services: Services, caller: Technician, id: UUID) -> Answered:
    """Accept the offer of this booking; first accept wins, and repeating it gives the same answer."""

    async def work(tx: Tx) -> Booking:
        offer = await offers.offer_of(tx, caller.technician_id, booking_id=id)
        return await offers.accept(tx, caller.technician_id, offer)

    booking = await services.retrying(work)
    return Answered(booking=await _view(services, caller.technician_id, id), status=booking.status)


@technician.route("POST", "/bookings/{id}/reject", tags=["jobs"])
async def reject(
    services: Services,
    caller: Technician,
    id: UUID,
    body: RejectIn = RejectIn(),  # noqa: B008
) -> Answered:
    """Reject the offer of this booking; the next technician is asked at once."""

    async def work(tx: Tx) -> Booking:
        offer = await offers.offer_of(tx, caller.technician_id, booking_id=id)
        return await offers.reject(tx, caller.technician_id, offer, body.reason)

    await services.retrying(work)
    return Answered(booking=await _view(services, caller.technician_id, id), status="rejected")


@technician.route("PATCH", "/bookings/{id}/status", tags=["jobs"])
async def advance(services: Services, caller: Technician, id: UUID, body: StatusIn) -> Advanced:
    """The next step of my job: on the way, arrived, in progress."""
    await services.retrying(
        lambda tx: jobs.advance(
            tx, id, caller.technician_id, body.status, estimated_arrival=body.estimated_arrival,
            start_code=body.start_code,
        )
    )  # fmt: skip
    return Advanced(booking=await _view(services, caller.technician_id, id))


@technician.route("POST", "/bookings/{id}/start", tags=["jobs"])
async def start(
    services: Services,
    caller: Technician,
    id: UUID,
    body: StartIn = StartIn(),  # noqa: B008
) -> Advanced:
    """My job begins: what PATCH .../status does with `in_progress`, by the name that real front ends know."""
    return await advance(services, caller, id, StatusIn(status="in_progress", start_code=body.start_code))


@technician.route("POST", "/bookings/{id}/complete", tags=["jobs"])
async def complete(
    services: Services,
    caller: Technician,
    id: UUID,
    body: CompleteIn = CompleteIn(),  # noqa: B008
) -> Completed:
    """My job is done; what I earned is counted. Repeating it gives the same answer."""
    at: datetime | None = body.service_completed_at
    _, assignment = await services.retrying(lambda tx: jobs.complete(tx, id, caller.technician_id, at))
    view = await _view(services, caller.technician_id, id)
    async with services.read() as conn:
        status = await earnings.status_of(conn, id)
    return Completed(booking=view, earning=EarningOut(amount=assignment.earning_minor, status=status))


@technician.route("POST", "/bookings/{id}/cancel", tags=["jobs"])
async def give_back(services: Services, caller: Technician, id: UUID, body: GiveBackIn) -> Answered:
    """Give an accepted job back, with a reason; it is counted, and the booking goes to somebody else."""
    await services.retrying(lambda tx: jobs.give_back(tx, id, caller.technician_id, body.reason))
    return Answered(booking=await _view(services, caller.technician_id, id), status="cancelled")
