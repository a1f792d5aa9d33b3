"""Proves the ledger: every journal balances, every cached balance is derivable, every sub-ledger ties in."""

from __future__ import annotations

from dataclasses import dataclass

from storage import ledger_check as rows
from storage.database.pool import Conn
from storage.ledger_check import Counts

#: What a finding of each question means, in words for people.
MEANING = {
    "crooked_journals": "a journal does not sum to zero",
    "empty_journals": "a journal has no postings",
    "stale_balances": "a cached balance is not the sum of its postings",
    "payables": "what is owed to a payee is not what they earned",
    "payout_parts": "what payouts took of an earning is not what it says",
    "cash": "the cash that a payee holds is not what was collected",
    "platform_accounts": "an account of the platform does not tie to its rows",
    "trade_debts": "what a trade partner owes is not what its orders say",
    "organisation_debts": "what an organisation owes is not what it booked on account less what it paid",
    "integration_debts": "what an app owes, or has as credit, is not what it booked on account less what it paid",
    "invoice_totals": "an invoice is not the sum of the bookings and fees that stand on it",
    "organisation_credit": "an organisation's credit is not what it paid more than was asked",
    "trade_credit": "the credit that a trade partner uses is not what its orders take",
    "held_money": "money is held for a booking that is over, or not held for one that is open",
    "refund_losses": "what refunds cost the platform is not what was refunded",
    "collected": "a completed booking was not paid exactly once",
    "shown_amounts": "a booking shows other amounts than its payments ask for",
    "refund_reserves": "a payment's refunds are not what it has promised back",
    "unearned": "a completed booking was not posted",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is off; amounts in minor units."""

    question: str
    subject: str
    currency: str
    found_minor: int
    expected_minor: int | None

    @property
    def meaning(self) -> str:
        return MEANING[self.question]


async def check(conn: Conn) -> list[Finding]:
    """All findings; an empty list is the proof. Reads only: run it while nothing is being posted."""
    found = []
    for question, ask in rows.QUESTIONS.items():
        found += [
            Finding(question, off.subject, off.currency, off.found_minor, off.expected_minor) for off in await ask(conn)
        ]
    return found


async def counts(conn: Conn) -> Counts:
    """How much was checked."""
    answer = await rows.counts(conn)
    assert answer is not None, "counting always answers"
    return answer
