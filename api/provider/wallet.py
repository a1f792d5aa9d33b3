"""What a provider's wallet holds."""

from __future__ import annotations

from datetime import datetime

from api.audiences import TeamMember, provider
from api.wire.models import CamelView, Money
from dispatch.billing import provider_wallet
from dispatch.services import Services


class BalanceOut(CamelView):
    """`pendingBalance` is on its way to the bank; `cashInHand` was taken at the door and is netted first."""

    available_balance: Money
    pending_balance: Money
    cash_in_hand: Money
    currency: str


class WalletOut(BalanceOut):
    """In the provider's own currency, and in each: nothing is converted."""

    balances: list[BalanceOut]
    last_updated: datetime


@provider.route("GET", "/wallet/balance", permission="wallet:read", tags=["wallet"])
async def balance(services: Services, caller: TeamMember) -> WalletOut:
    """What can be paid out, and what is being paid out."""
    async with services.read() as conn:
        held = await provider_wallet.balances(conn, caller.provider_id)
        moved_at = await provider_wallet.last_moved(conn, caller.provider_id)
    shown = {b.currency: _out(b) for b in held}
    own = shown.get(caller.provider.currency) or _out(provider_wallet.Balance(caller.provider.currency))
    return WalletOut(
        **own.model_dump(by_alias=False), balances=list(shown.values()) or [own],
        last_updated=moved_at or caller.provider.created_at,
    )  # fmt: skip


def _out(held: provider_wallet.Balance) -> BalanceOut:
    return BalanceOut(
        available_balance=held.available_minor, pending_balance=held.pending_minor, cash_in_hand=held.cash_minor,
        currency=held.currency,
    )  # fmt: skip
