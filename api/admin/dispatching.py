"""Dispatch as staff see and order it: who waits, why somebody was chosen, and naming somebody by hand."""

from __future__ import annotations

from uuid import UUID

from api.admin.booking_views import AssignmentOut, BookingOut, booking_out
from api.audiences import Admin, admin
from api.shared.dispatching import QUEUE, ExplainOut, WaitingOut, explained, waiting_out
from api.wire.listing import Listing
from api.wire.models import Body, View
from api.wire.results import Page
from dispatch.engine import assigning, explain
from dispatch.engine.offers import NoCandidate
from dispatch.errors import Missing
from dispatch.services import Services, Tx
from storage import queue as queue_rows
from storage import staff_bookings as rows
from storage.offers import Offer


class AssignIn(Body):
    """`force` takes an open offer back, and with `partner_id` overrides every filter but an overlapping job.

    Without `partner_id` the automatic search runs in a new round.
    """

    partner_id: UUID | None = None
    force: bool = False


class AssignOut(View):
    booking: BookingOut
    assignment: AssignmentOut


@admin.route("POST", "/bookings/{id}/assign-partner", permission="dispatch:write", tags=["dispatch"])
async def assign(
    services: Services,
    caller: Admin,
    id: UUID,
    body: AssignIn = AssignIn(),  # noqa: B008
) -> AssignOut:
    """Offer a booking to a named technician, or run the automatic search."""

    async def work(tx: Tx) -> Offer | None:
        if body.partner_id is None:
            return await assigning.assign(tx, id, caller.actor, force=body.force)
        return await assigning.assign_to(tx, id, body.partner_id, caller.actor, force=body.force)

    offer = await services.retrying(work)
    if offer is None:
        raise NoCandidate
    person = services.roster.find(offer.technician_id)
    async with services.read() as conn:
        booking = await rows.get(conn, booking_id=id)
    assert booking is not None and person is not None
    assignment = AssignmentOut(
        offer_id=offer.id, partner_id=person.id, partner_name=person.name, status="assigned",
        expires_at=offer.expires_at,
    )  # fmt: skip
    return AssignOut(booking=booking_out(booking), assignment=assignment)


@admin.route("GET", "/assignments/queue", permission="dispatch:read", listing=QUEUE, tags=["dispatch"])
async def queue(services: Services, caller: Admin, listing: Listing) -> Page[WaitingOut]:
    """Bookings that wait for a technician, the most important first: in the manual queue or without an open offer."""
    async with services.read() as conn:
        return Page.of(await queue_rows.page(conn, listing.wanted), waiting_out)


@admin.route("GET", "/bookings/{id}/dispatch", permission="dispatch:read", tags=["dispatch"])
async def explanation(services: Services, caller: Admin, id: UUID) -> ExplainOut:
    """Why this booking went where it went: every candidate of every attempt, offered or why not."""
    async with services.read() as conn:
        found = await explain.of_booking(conn, id)
    if found is None:
        raise Missing("booking")
    return explained(found)
