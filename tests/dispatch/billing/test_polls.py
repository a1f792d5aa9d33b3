"""When a question to the gateway is asked again."""

from __future__ import annotations

import pytest

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
