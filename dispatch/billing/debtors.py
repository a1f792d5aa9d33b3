"""Parties that are billed, as the ledger knows them: the lines by which one comes to owe, and by which it pays."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.billing import ledger
from dispatch.billing.ledger import Line
from dispatch.errors import Conflict
from dispatch.services import Tx


class NobodyBilled(Conflict):
    """Nobody is billed for what you book; choose another way to pay."""

    code = "not_on_account"


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who owes a booking on account. `has_credit`: what it paid before it owed is taken first.

    Whoever asks for lines posts them in the same transaction; of one with credit both accounts are locked until then,
    so that there is never credit beside a debt.
    """

    party_id: UUID
    has_credit: bool = False

    async def owes(self, tx: Tx, currency: str, amount_minor: int) -> list[Line]:
        """So much more."""
        taken = 0
        if self.has_credit:
            credit, _ = await ledger.lock_debtor(tx, self.party_id, currency)
            taken = min(credit, amount_minor)
        return [
            Line(ledger.party_wallet(self.party_id, currency), -taken),
            Line(ledger.party_receivable(self.party_id, currency), taken - amount_minor),
        ]

    async def pays(self, tx: Tx, currency: str, amount_minor: int) -> list[Line]:
        """Of what it owes; the rest is credit."""
        _, debt = await ledger.lock_debtor(tx, self.party_id, currency)
        needed = min(debt, amount_minor)
        return [
            Line(ledger.party_receivable(self.party_id, currency), needed),
            Line(ledger.party_wallet(self.party_id, currency), amount_minor - needed),
        ]
