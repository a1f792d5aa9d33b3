"""One id leads from a call to its facts, its messages, its webhooks and its work."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from dispatch import logs
from dispatch.engine import tasks
from dispatch.outbox import messages
from dispatch.outbox.sweeper import OutboxSweeper
from dispatch.ports.messages import Message
from tests.world import World


class Lines:
    """What was logged since."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        logs.configure("info", stream=self._stream)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(orjson.loads, self._stream.getvalue().splitlines()) if line["event"] == event]


@pytest.fixture
def lines() -> Iterator[Lines]:
    yield Lines()
    logs.unconfigure()


class Silent:
    """A sender that keeps nothing."""

    async def send(self, message: Message) -> None:
        return None


async def test_one_id_leads_through_everything(world: World, lines: Lines) -> None:
    technician_id = await world.technician()
    services = world.services
    with logs.answering("request-of-a-customer"):
        booking = await world.book()
        async with services.transaction() as tx:
            await messages.enqueue(tx, "sms", "+911234567890", "password_changed", {})
            task_id = await tasks.enqueue(tx, "tidy")

    facts = {line["type"]: line for line in lines.of("fact")}
    assert facts["booking.created"]["request_id"] == "request-of-a-customer"
    (search,) = lines.of("search")
    assert search["technician_id"] == str(technician_id) and search["request_id"] == "request-of-a-customer"
    assert facts["partner.assigned"]["offer_id"] == search["offer_id"]
    assert await world.value(
        "SELECT count(*) FROM booking_events WHERE booking_id = $1 AND request_id = 'request-of-a-customer'", booking.id
    ) == len(facts)

    async def nothing(run: tasks.Run) -> None:
        assert logs.REQUEST_ID.get() == "request-of-a-customer"

    await tasks.work(services, {"tidy": nothing}, task_id)
    await OutboxSweeper(services, "sms", Silent()).run_once()
    for event in ("task", "message"):
        assert [line["request_id"] for line in lines.of(event)] == ["request-of-a-customer"], event
    assert logs.REQUEST_ID.get() is None

    # What happens by itself has an id of its own.
    await world.advance(seconds=901)
    await world.sweep()
    (expired,) = (line for line in lines.of("fact") if line["type"] == "partner.expired")
    assert expired["request_id"].startswith("timer-")


async def test_a_fact_that_is_rolled_back_leaves_no_line(world: World, lines: Lines) -> None:
    await world.technician()
    with pytest.raises(RuntimeError):
        async with world.services.transaction() as tx:
            from dispatch.engine import bookings

            await bookings.open_booking(tx, world.new_booking(await world.customer()))
            raise RuntimeError
    assert lines.of("fact") == []
