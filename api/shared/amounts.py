"""What stands beside a price, wherever one stands."""

from __future__ import annotations

from typing import Any

from api.wire.models import Money, View
from dispatch.engine.amounts import Asked, amounts_of


class AmountsOut(View):
    """`amount_to_collect` is what is taken at the door: the price less the wallet's part, and old fees.

    0 for what is paid online, and when nothing is left to collect; `amount_collected` is what was.
    """

    outstanding_fee: Money
    wallet_amount: Money
    amount_to_collect: Money
    amount_collected: Money


def shown(row: Asked) -> dict[str, Any]:
    """The fields of AmountsOut, in minor units."""
    amounts = amounts_of(row)
    return {
        "outstanding_fee": amounts.outstanding_fee_minor, "wallet_amount": amounts.wallet_minor,
        "amount_to_collect": amounts.to_collect_minor, "amount_collected": amounts.collected_minor,
    }  # fmt: skip
