"""Which events there are to choose from."""

from __future__ import annotations

import pytest

from dispatch.engine import jobs
from dispatch.outbox.notifications import CUSTOMER, NOTICES
from dispatch.webhooks.events import EVENTS
from dispatch.webhooks.owners import Kind, Owner
from dispatch.webhooks.worker import WebhookWorker
from tests.dispatch.webhooks.hooks import Hooks
from tests.dispatch.webhooks.receivers import Receivers, drain

TO_CUSTOMERS = {fact for fact, notices in NOTICES.items() if any(n.to == CUSTOMER for n in notices)}


@pytest.mark.parametrize("kind", ["organisation", "integration"])
def test_whoever_books_for_customers_can_hear_all_that_a_customer_is_told(kind: Kind) -> None:
    approved = {"booking.approved"} if kind == "integration" else set()
    assert TO_CUSTOMERS - approved - set(EVENTS[kind]) == set()


async def test_an_app_learns_that_the_technician_has_dropped_out_and_who_comes_instead(hooks: Hooks) -> None:
    world, owner = hooks.world, Owner("integration", await hooks.party("integration"))
    await hooks.endpoint(owner, "booking.confirmed", "booking.reopened", "booking.queued")
    first, second = await world.technician(), await world.technician(km_north=2.0)
    booking = await world.book(await hooks.customer_of(owner))
    offered = (await world.open_offer(booking.id))["technician_id"]
    await world.accept(booking.id, offered)
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, offered, "ill")
    await world.accept(booking.id, second if offered == first else first)
    receivers = Receivers()
    await drain(WebhookWorker(world.services, receivers))
    assert receivers.types == ["booking.confirmed", "booking.reopened", "booking.confirmed"]
    told = [sent.body["data"] for sent in receivers.got]
    assert [sorted(data) for data in told] == [  # type: ignore[call-overload]
        ["bookingId", "bookingNumber", "seq", "technicianId"], ["bookingId", "bookingNumber", "seq"],
        ["bookingId", "bookingNumber", "seq", "technicianId"],
    ]  # fmt: skip
    assert told[0]["technicianId"] != told[2]["technicianId"]  # type: ignore[index]
