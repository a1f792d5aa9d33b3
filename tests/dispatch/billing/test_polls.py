"""When a question to the gateway is asked again."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

import pytest

from dispatch.billing import payouts, refunds
from dispatch.services import Tx
from storage import polls
from tests.dispatch.billing.till import Till
from tests.turns import side_by_side


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


@pytest.mark.parametrize("noun", ["payment", "refund", "payout"])
async def test_two_nodes_ask_about_different_ones(deaf_till: Till, noun: str) -> None:
    till = deaf_till
    services, technician = till.world.services, await till.world.technician()
    for hours in (1.5, 4):
        booking = await till.paid(hours=hours)
        if noun == "refund":
            async with services.transaction() as tx:
                await refunds.request_for_booking(tx, booking.id, 100, reason="x", requested_by="x")
        elif noun == "payout":
            await till.finish(booking, technician)
            async with services.transaction() as tx:
                await payouts.create(tx, technician, method="upi", requested_by="x")
    await till.world.execute(f"UPDATE {noun}s SET poll_at = clock_timestamp(), asked_from = clock_timestamp()")

    def ask(tx: Tx) -> Awaitable[UUID | None]:
        return {"payment": polls.claim_payment, "refund": polls.claim_refund, "payout": polls.claim_payout}[noun](
            tx.conn, again_s=120.0
        )

    one, two = await side_by_side(services, ask, ask)
    assert one is not None and two is not None and one != two
