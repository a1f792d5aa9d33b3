"""A provider's wallet: what the ledger owes it, per currency, less the cash that it took at the door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.engine import facts
from dispatch.services import Tx
from storage import provider_wallet as rows
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Balance:
    """In minor units of one currency. `owed_minor` is the ledger's word; what was taken in cash is netted first."""

    currency: str
    owed_minor: int = 0
    cash_minor: int = 0
    pending_minor: int = 0

    @property
    def available_minor(self) -> int:
        """What a payout may take now."""
        return max(0, self.owed_minor - self.cash_minor)


async def balances(conn: Conn, provider_id: UUID) -> list[Balance]:
    """One for each currency that the wallet has an account in, in the order of their codes."""
    found = await rows.balances(conn, provider_id=provider_id)
    return [Balance(b.currency, b.owed_minor, b.cash_minor, b.pending_minor) for b in found]


async def last_moved(conn: Conn, provider_id: UUID) -> datetime | None:
    """When something last came in or went out; None when nothing ever has."""
    return await rows.last_moved(conn, provider_id=provider_id)


async def tell(tx: Tx, provider_id: UUID, currency: str) -> None:
    """Tells the provider what its wallet holds now; called after the postings."""
    held = next((b for b in await balances(tx.conn, provider_id) if b.currency == currency), Balance(currency))
    facts.tell_party(
        tx, provider_id, "wallet.updated",
        {
            "available_minor": held.available_minor, "pending_minor": held.pending_minor, "cash_minor": held.cash_minor,
            "currency": currency,
        },
    )  # fmt: skip
