"""What services inside the house ask: search for a technician, read the queue, explain."""

from __future__ import annotations

from uuid import UUID

from api.audiences import Service, internal
from api.shared.dispatching import (
    QUEUE,
    AssignmentOut,
    DispatchedOut,
    ExplainOut,
    WaitingOut,
    dispatched,
    explained,
    waiting_out,
)
from api.wire.listing import Listing
from api.wire.models import Body, View
from api.wire.results import Page
from dispatch.engine import assigning, explain
from dispatch.engine.offers import NoCandidate
from dispatch.errors import Missing
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import queue as queue_rows
from storage.offers import Offer


class AssignIn(Body):
    """`force` takes an open offer back, and with `partner_id` overrides every filter but an overlapping job."""

    force: bool = False
    partner_id: UUID | None = None


class AssignOut(View):
    booking: DispatchedOut
    assignment: AssignmentOut


@internal.route("POST", "/bookings/{id}/assign-partner", tags=["dispatch"])
async def assign(
    services: Services,
    caller: Service,
    id: UUID,
    body: AssignIn = AssignIn(),  # noqa: B008
) -> AssignOut:
    """Run the automatic search for a booking, or offer it to a named technician."""

    async def work(tx: Tx) -> Offer | None:
        if body.partner_id is None:
            return await assigning.assign(tx, id, caller.actor, force=body.force)
        return await assigning.assign_to(tx, id, body.partner_id, caller.actor, force=body.force)

    offer = await services.retrying(work)
    if offer is None:
        raise NoCandidate
    person = services.roster.find(offer.technician_id)
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=id)
    assert booking is not None and person is not None
    assignment = AssignmentOut(
        offer_id=offer.id,
        partner_id=person.id,
        partner_name=person.name,
        status="assigned",
        expires_at=offer.expires_at,
    )
    return AssignOut(booking=dispatched(booking), assignment=assignment)


@internal.route("GET", "/assignments/queue", listing=QUEUE, tags=["dispatch"])
async def queue(services: Services, caller: Service, listing: Listing) -> Page[WaitingOut]:
    """Bookings that wait for a technician, the most important first.

    In the manual queue or without an open offer, unless `status` names others.
    """
    async with services.read() as conn:
        return Page.of(await queue_rows.page(conn, listing.wanted), waiting_out)


@internal.route("GET", "/bookings/{id}/dispatch", tags=["dispatch"])
async def explanation(services: Services, caller: Service, id: UUID) -> ExplainOut:
    """Why this booking went where it went: every candidate of every attempt, offered or why not."""
    async with services.read() as conn:
        found = await explain.of_booking(conn, id)
    if found is None:
        raise Missing("booking")
    return explained(found)
