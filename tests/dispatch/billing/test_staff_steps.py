"""Every pair of where a booking stands and where staff want it: the step that leads there is made, or none is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dispatch.billing import staff_steps
from dispatch.engine import lifecycle, offers
from dispatch.engine.lifecycle import BOOKING_STATES
from dispatch.errors import Conflict
from dispatch.events import Actor
from storage.bookings import Booking
from tests.dispatch.billing.till import Till

STAFF = Actor("admin", "7")
#: From where to where staff can take a booking in one step; what is completed goes through all of the job's.
LEGAL: Mapping[str, set[str]] = {
    "pending": {"partner_assigned", "cancelled"},
    "partner_assigned": {"pending", "confirmed", "cancelled"},
    "confirmed": {"pending", "in_progress", "completed", "cancelled"},
    "in_progress": {"completed"},
    "completed": {"refunded"},
    "cancelled": {"refunded"},
    "refunded": set(),
}


async def standing(till: Till, state: str) -> Booking:
    """A paid booking in this state; a technician is alone with it."""
    world = till.world
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    who = await world.technician(km_north=0.1, categories=("Facial",))
    booking = await till.paid()
    if state == "pending":
        await step(till, booking, "pending")
        # Nobody looks in between: the search is the next step's.
        return await world.booking(booking.id)
    if state == "partner_assigned":
        return booking
    if state in ("cancelled", "refunded"):
        await step(till, booking, "cancelled", keeps=state == "cancelled")
        await till.drain()
        return await world.booking(booking.id)
    await world.accept(booking.id, who)
    if state != "confirmed":
        await step(till, booking, state)
    return await world.booking(booking.id)


async def step(till: Till, booking: Booking, status: str, *, keeps: bool = False) -> Booking:
    if keeps:
        # Cancelled, and nothing went back yet.
        return await till.cancel(booking, STAFF, refund_minor=0)
    async with till.world.services.transaction() as tx:
        return await staff_steps.set_status(tx, booking.id, STAFF, status, "as asked")


@pytest.mark.parametrize("state", BOOKING_STATES)
async def test_each_state_leads_where_the_table_says_and_nowhere_else(till: Till, state: str) -> None:
    for wanted in BOOKING_STATES:
        booking = await standing(till, state)
        assert booking.status == state
        if wanted in LEGAL[state]:
            after = await step(till, booking, wanted)
            if wanted == "refunded":
                # It is one as soon as the money has arrived.
                await till.drain()
                after = await till.world.booking(booking.id)
            assert after.status == wanted, (state, wanted)
        else:
            with pytest.raises(Conflict):
                await step(till, booking, wanted)
            assert (await till.world.booking(booking.id)).status == state, (state, wanted)
    await till.check()


async def test_a_start_code_is_not_asked_of_staff_and_its_lock_is_no_hindrance(till: Till) -> None:
    booking = await standing(till, "confirmed")
    await till.world.execute("UPDATE bookings SET start_code = '4711' WHERE id = $1", booking.id)
    await till.world.execute("UPDATE assignments SET start_code_tries = 5 WHERE booking_id = $1", booking.id)
    assert (await step(till, booking, "completed")).status == "completed"
    facts = await till.world.fetch("SELECT type, actor_kind FROM booking_events WHERE booking_id = $1", booking.id)
    assert ("service.started", "admin") in [(f["type"], f["actor_kind"]) for f in facts]


async def test_a_confirmation_by_staff_is_told_as_staff_s(till: Till) -> None:
    booking = await standing(till, "partner_assigned")
    await step(till, booking, "confirmed")
    told = await till.world.fetch(
        "SELECT type, actor_kind, actor_id FROM booking_events WHERE booking_id = $1", booking.id
    )
    for fact in offers.ACCEPT_FACTS:
        assert [(f["actor_kind"], f["actor_id"]) for f in told if f["type"] == fact] == [(STAFF.kind, STAFF.id)], fact


def test_the_table_knows_every_state() -> None:
    assert set(LEGAL) == set(lifecycle.BOOKING_STATES)
