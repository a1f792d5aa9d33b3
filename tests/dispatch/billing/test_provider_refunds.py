"""Money that goes back to a provider's customer: in parts, and when its wallet has nothing left of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.billing import captures, ledger, payouts, provider_transactions, refunds
from dispatch.billing.ledger import Line
from dispatch.billing.refunds import PayeeHasLess
from dispatch.services import Tx
from storage import payments as payment_rows
from storage.database.listing import Wanted
from storage.payments import Payment
from tests.dispatch.billing.till import Till
from tests.providers import Owned, add_provider, ask
from tests.turns import one_after_the_other


async def paid(till: Till, owned: Owned) -> Payment:
    """What a customer was asked for and has paid: 1500.00."""
    request = await ask(till.world.services, owned)
    assert request.payment_id is not None
    payment, told = await till.reported(request.payment_id)
    async with till.world.services.transaction() as tx:
        await captures.captured(tx, payment, told)
        found = await payment_rows.get(tx.conn, payment_id=payment.id)
    assert found is not None
    return found


async def statement(till: Till, owned: Owned) -> list[tuple[str, str, int]]:
    """(category, status, amount) of each line but payouts', in the order of their words."""
    async with till.world.services.read() as conn:
        found = await provider_transactions.page(conn, owned.id, Wanted(limit=100))
    return sorted((t.category, t.status, t.amount_minor) for t in found.rows if t.payout_id is None)


async def give_back(till: Till, payment: Payment, minor: int) -> None:
    async with till.world.services.transaction() as tx:
        await refunds.request(tx, payment.id, minor, reason="not happy", requested_by="admin:1")
    await till.drain()


async def spend(till: Till, owned: Owned, minor: int) -> None:
    """So much leaves the wallet by a payout."""
    async with till.world.services.transaction() as tx:
        await payouts.create(
            tx, owned.id, method="bank_transfer", requested_by="admin:1", amount_minor=minor, currency="INR"
        )


async def test_cash_of_the_platform_is_not_given_back_to_a_customer(deaf_till: Till) -> None:
    """A wallet that holds 1500 beside 800 taken at the door has 700: so much can be paid out, and so much refunded."""
    till = deaf_till
    owned = await add_provider(till.world.services)
    payment = await paid(till, owned)
    async with till.world.services.transaction() as tx:
        lines = [
            Line(ledger.cash_in_hand(owned.id, "INR"), -80_000), Line(ledger.platform("adjustments", "INR"), 80_000)
        ]  # fmt: skip
        await ledger.post(tx, "a test", "cash", lines)
    with pytest.raises(PayeeHasLess):
        await give_back(till, payment, 70_001)
    await give_back(till, payment, 70_000)
    assert await held(till, owned) == 80_000


async def at_the_gateway(till: Till, payment: Payment, minor: int) -> Any:
    """A refund that somebody made at the gateway itself."""
    assert payment.gateway_payment_id is not None
    return await till.gateway.refund(payment.gateway_payment_id, minor, "made-by-hand-1", {})


async def held(till: Till, owned: Owned) -> int:
    async with till.world.services.read() as conn:
        return await ledger.balance(conn, ledger.payable(owned.id, "INR"))


async def spent(till: Till, owned: Owned) -> tuple[int, int]:
    """What the customer has spent, and how often."""
    [row] = await till.world.fetch(
        "SELECT spent_minor, transactions FROM provider_customers WHERE provider_id = $1", owned.id
    )
    return row["spent_minor"], row["transactions"]


async def test_two_halves_are_the_whole(deaf_till: Till) -> None:
    till = deaf_till
    owned = await add_provider(till.world.services)
    payment = await paid(till, owned)
    await give_back(till, payment, 75_000)
    await settled(till)
    assert await statement(till, owned) == [("payment_received", "settled", 150_000), ("refund", "settled", 75_000)]
    assert await spent(till, owned) == (75_000, 1), "what went back is not spent, and a refund is no second purchase"
    await give_back(till, payment, 75_000)
    await settled(till)
    assert await spent(till, owned) == (0, 1)
    assert await statement(till, owned) == [
        ("payment_received", "refunded", 150_000), ("refund", "settled", 75_000), ("refund", "settled", 75_000),
    ]  # fmt: skip
    income = await till.world.value(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM provider_days "
        "WHERE provider_id = $1 AND type = 'credit' AND status = 'settled'", owned.id,
    )  # fmt: skip
    assert income == 0
    await till.check()


async def settled(till: Till) -> None:
    """The gateway is asked what became of its refunds."""
    await till.later(minutes=10)
    await till.worker.run_due()


@pytest.mark.parametrize(("left", "lines"), [
    (40_000, [("payment_received", "refunded", 150_000), ("refund", "settled", 40_000)]),
    (0, [("payment_received", "refunded", 150_000)]),
])  # fmt: skip
async def test_what_left_at_the_gateway_is_booked_whatever_the_wallet_holds(
    deaf_till: Till, left: int, lines: list[tuple[str, str, int]]
) -> None:
    till = deaf_till
    owned = await add_provider(till.world.services)
    payment = await paid(till, owned)
    await spend(till, owned, 150_000 - left)
    with pytest.raises(PayeeHasLess):
        await give_back(till, payment, 150_000)
    told = await at_the_gateway(till, payment, 150_000)
    for _ in range(2):
        async with till.world.services.transaction() as tx:
            refund = await refunds.heard(tx, payment, told)
    assert refund is not None and refund.uncovered_minor == 150_000 - left
    assert await till.alerts() == ["payee_short"]
    assert await held(till, owned) == 0
    await settled(till)
    assert await statement(till, owned) == lines
    assert await spent(till, owned) == (0, 1), "all of it went back, whoever bears it"
    async with till.world.services.read() as conn:
        now = await payment_rows.get(conn, payment_id=payment.id)
    assert now is not None and now.status == "refunded"
    await till.check()


async def test_one_that_failed_after_all_gives_back_what_the_wallet_gave(deaf_till: Till) -> None:
    till = deaf_till
    owned = await add_provider(till.world.services)
    payment = await paid(till, owned)
    await spend(till, owned, 110_000)
    before = await till.sums()
    told = await at_the_gateway(till, payment, 150_000)
    async with till.world.services.transaction() as tx:
        refund = await refunds.heard(tx, payment, replace(told, status="pending"))
    assert refund is not None and await held(till, owned) == 0
    async with till.world.services.transaction() as tx:
        await refunds.heard(tx, payment, replace(told, status="failed"))
    assert await held(till, owned) == 40_000
    assert await till.sums() == before
    assert await statement(till, owned) == [("payment_received", "settled", 150_000), ("refund", "failed", 40_000)]


async def test_what_two_tell_of_one_refund_at_once_is_booked_once(deaf_till: Till) -> None:
    """A webhook and an answer, of a refund that somebody made at the gateway itself."""
    till = deaf_till
    owned = await add_provider(till.world.services)
    payment = await paid(till, owned)
    told = await at_the_gateway(till, payment, 50_000)

    async def hear(tx: Tx) -> Any:
        return await refunds.heard(tx, payment, told)

    one, two = await one_after_the_other(till.world.services, hear, hear)
    assert one.id == two.id and await held(till, owned) == 100_000
    await till.check()
