"""The completer asks about what nobody reports on, by real time: the domain's clock changes nothing."""

from __future__ import annotations

import pytest

from dispatch.billing.worker import ASK_AGAIN_S
from storage import polls
from tests.dispatch.billing.till import Till


@pytest.mark.parametrize("days", [0, 30])
async def test_the_next_question_is_in_real_time(deaf_till: Till, days: int) -> None:
    world = deaf_till.world
    booking, _ = await deaf_till.online()
    payment = await deaf_till.payment(booking)
    await world.advance(days=days)

    async def next_in_minutes(asked_for: str) -> int | None:
        """How long after such a time of asking it is asked again."""
        await world.execute(
            "UPDATE payments SET poll_at = clock_timestamp(), asked_from = clock_timestamp() - $1::text::interval",
            asked_for,
        )
        async with world.services.transaction() as tx:
            assert await polls.claim_payment(tx.conn, again_s=120.0) == payment.id
            assert await polls.claim_payment(tx.conn, again_s=120.0) is None
        waits = "SELECT round(extract(epoch FROM poll_at - clock_timestamp()) / 60)::int FROM payments"
        return await world.value(waits)

    assert await next_in_minutes("0 s") == 2
    assert await next_in_minutes("2 h") == 60
    # After four days nobody pays any more.
    assert await next_in_minutes("97 h") is None


async def test_a_question_that_is_not_answered_is_asked_again(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    await deaf_till.gw.pay(block["order_id"])
    await deaf_till.later(minutes=3)
    await deaf_till.away()
    await deaf_till.worker.run_due()
    assert (await deaf_till.payment(booking)).status == "pending"
    await deaf_till.back()
    await deaf_till.worker.run_due()
    assert (await deaf_till.payment(booking)).status == "pending"
    await deaf_till.later(seconds=4 * ASK_AGAIN_S)
    await deaf_till.worker.run_due()
    assert (await deaf_till.payment(booking)).status == "success"
