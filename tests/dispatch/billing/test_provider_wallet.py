"""A provider's wallet: what the ledger owes it, less the cash that it took."""

from __future__ import annotations

from tests.dispatch.billing.test_provider_payouts import SHARE, available, lines, with_bank
from tests.dispatch.billing.till import Till
from tests.providers import enlist


async def test_cash_at_the_door_is_netted_before_anything_is_available(till: Till) -> None:
    owned = await with_bank(till)
    technician = await till.world.technician(km_north=0.5)
    await enlist(till.world.services, technician, owned)
    await till.finish(await till.world.book(), technician)
    assert await available(till, owned) == 0
    assert await lines(till, owned) == {
        "provider_payment": ("credit", "settled", SHARE), "cash_collected": ("debit", "settled", 177120),
    }  # fmt: skip
