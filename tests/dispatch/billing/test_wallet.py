"""The wallet at confirm: it pays a part or all of a booking, and parallel confirms never overspend it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from dispatch.adapters.razorpay import opened
from dispatch.billing import ledger, ledger_check, wallet
from dispatch.billing.confirm import Confirmed
from dispatch.local_gateway.server import LocalGateway
from storage.database.pool import Pool
from tests.city import City, city
from tests.dispatch.billing.test_checkout import confirmed, prepared


@pytest.fixture
async def town(fresh_pool: Pool, gw: LocalGateway) -> AsyncIterator[City]:
    pay = {
        "key_id": gw.key_id, "key_secret": gw.key_secret, "webhook_secret": gw.webhook_secret, "base_url": gw.url,
        "total_s": 5.0,
    }  # fmt: skip
    async with city(fresh_pool, technicians=24, payments=pay) as made:
        yield made
        await opened.close(made.services.settings.payments)


async def fill(town: City, minor: int) -> UUID:
    account_id = town.seeded.customer_ids[0]
    async with town.services.transaction() as tx:
        lines = [
            ledger.Line(ledger.wallet(account_id, "INR"), minor),
            ledger.Line(ledger.platform("fee_revenue", "INR"), -minor),
        ]
        await ledger.post(tx, "goodwill", str(uuid4()), lines)
    return account_id


async def balance(town: City) -> int:
    async with town.services.read() as conn:
        assert await ledger_check.check(conn) == []
        return await wallet.balance(conn, town.seeded.customer_ids[0], "INR")


async def test_a_part_leaves_the_rest_to_the_gateway(town: City) -> None:
    await fill(town, 50_000)
    preview = await prepared(town)
    made = await confirmed(town, preview, payment_method="online", use_wallet=True)
    assert made.payment is not None and made.payment["amount"] == made.grand_total_minor - 50_000
    assert (made.wallet_minor, made.to_collect_minor) == (50_000, 0)
    # Repeated, it is the same order, and the wallet pays no second time.
    again = await confirmed(town, preview, payment_method="online", use_wallet=True)
    assert again.payment is not None and again.payment["order_id"] == made.payment["order_id"]
    assert await balance(town) == 0


@pytest.mark.parametrize("method", ["online", "cash"])
async def test_the_whole_is_said_and_the_search_begins(town: City, gw: LocalGateway, method: str) -> None:
    await fill(town, 300_000)
    preview = await prepared(town)
    made = await confirmed(town, preview, payment_method=method, use_wallet=True)
    assert made.payment is None and made.status == "partner_assigned"
    assert (made.wallet_minor, made.to_collect_minor) == (made.grand_total_minor, 0)
    assert await confirmed(town, preview, payment_method=method, use_wallet=True) == made
    assert await balance(town) == 300_000 - made.grand_total_minor
    assert (await gw.state())["orders"] == {}


async def test_a_part_of_cash_is_not_asked_for_at_the_door(town: City) -> None:
    await fill(town, 50_000)
    made = await confirmed(town, await prepared(town), use_wallet=True)
    assert (made.wallet_minor, made.to_collect_minor) == (50_000, made.grand_total_minor - 50_000)
    told = await town.value("SELECT data FROM party_events WHERE type = 'offer.made'")
    assert told["booking_id"] == str(made.id) and told["amount_to_collect_minor"] == made.to_collect_minor


async def test_unasked_the_wallet_stays(town: City) -> None:
    await fill(town, 300_000)
    made = await confirmed(town, await prepared(town))
    assert (made.wallet_minor, made.to_collect_minor) == (0, made.grand_total_minor)
    assert await balance(town) == 300_000


async def test_parallel_confirms_never_overspend(town: City) -> None:
    await fill(town, 250_000)
    previews = [await prepared(town) for _ in range(4)]

    async def attempt(n: int) -> Confirmed:
        time = previews[n].free[4 * n]
        method = "online" if n % 2 else "cash"
        return await confirmed(town, previews[n], booking_time=time, payment_method=method, use_wallet=True)

    made = await asyncio.gather(*(attempt(n) for n in range(4)))
    assert len({m.id for m in made}) == 4
    assert await balance(town) == 0
    assert sum(m.wallet_minor for m in made) == 250_000
    asked = await town.value("SELECT sum(amount_minor) FROM payments WHERE kind <> 'wallet'")
    assert asked == sum(m.grand_total_minor for m in made) - 250_000
