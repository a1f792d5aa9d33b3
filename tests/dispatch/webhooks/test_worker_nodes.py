"""Several nodes send: each event once, nobody waits for another, and who was thought dead settles nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from dispatch.ports.webhooks import Answer
from dispatch.services import Tx
from dispatch.webhooks.owners import PLATFORM
from dispatch.webhooks.worker import WebhookWorker
from storage import webhook_deliveries as rows
from tests import turns
from tests.api.live import until
from tests.dispatch.webhooks.hooks import Hooks
from tests.dispatch.webhooks.receivers import FACTS, Receivers


async def test_two_nodes_send_each_event_once(hooks: Hooks) -> None:
    await hooks.endpoint(PLATFORM, *FACTS)
    for _ in range(3):
        booking = await hooks.book()
        await hooks.happen(booking.id, *FACTS[1:])
    receivers = Receivers()
    nodes = [WebhookWorker(hooks.world.services, receivers) for _ in range(2)]
    while sum(await asyncio.gather(*(node.run_once() for node in nodes))):
        pass
    assert len(receivers.got) == len({s.id for s in receivers.got}) == 12
    by_booking = defaultdict(list)
    for sent in receivers.got:
        by_booking[sent.body["data"]["booking_id"]].append(sent.body["type"])  # type: ignore[index]
    assert all(types == list(FACTS) for types in by_booking.values())


async def test_what_one_node_takes_another_passes_over(hooks: Hooks) -> None:
    """Two that take the same events in another order would wait for each other, and one of them would fail."""
    await hooks.endpoint(PLATFORM, *FACTS)
    for _ in range(3):
        await hooks.book()

    async def claim(tx: Tx) -> list[rows.Claimed]:
        return await rows.claim(tx.conn, endpoint_ids=[], rooms=[], is_failing=False, limit=10, lease_s=60.0)

    mine, others = await turns.side_by_side(hooks.world.services, claim, claim)
    assert mine and not {one.id for one in mine} & {one.id for one in others}


@dataclass
class Waiting:
    """Answers each that is posted when, and as, the test says."""

    answers: list[asyncio.Future[Answer]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("late", [200, 500])
async def test_a_node_that_was_thought_dead_settles_nothing(hooks: Hooks, late: int) -> None:
    """What it heard is of a try that is not the last one: that one's word counts, and it keeps its lease."""
    await hooks.endpoint()
    await hooks.book()
    poster = Waiting()
    first, second = (WebhookWorker(hooks.world.services, poster) for _ in range(2))
    for n, node in enumerate((first, second)):
        assert await node.begin_due() == 1
        await until(lambda n=n: len(poster.answers) > n, "it is posted")  # type: ignore[misc]
        if node is first:
            await hooks.world.execute("UPDATE webhook_deliveries SET leased_until = clock_timestamp()")
    poster.answers[0].set_result(Answer(late, ""))
    assert await first.run_once() == 0
    [waits] = await hooks.log()
    assert (waits.state, waits.attempts, waits.last_status) == ("pending", 2, None)
    assert await hooks.world.value("SELECT leased_until > clock_timestamp() FROM webhook_deliveries")
    poster.answers[1].set_result(Answer(204, ""))
    await second.run_once()
    [done] = await hooks.log()
    assert (done.state, done.attempts, done.last_status) == ("delivered", 2, 204)
