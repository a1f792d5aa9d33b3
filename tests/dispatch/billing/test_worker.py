"""The completer asks about what nobody reports on, by real time: the domain's clock changes nothing."""

from __future__ import annotations

from dispatch.billing.worker import ASK_AGAIN_S
from tests.dispatch.billing.till import Till


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
