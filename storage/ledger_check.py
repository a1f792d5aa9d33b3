"""Questions to which a sound ledger answers with no row."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Rows, Statements

sql = Statements("ledger_check")


@dataclass(frozen=True, slots=True)
class Off:
    """What should be `expected_minor` and is `found_minor`."""

    subject: str
    currency: str
    found_minor: int
    expected_minor: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    journals: int
    postings: int
    accounts: int


#: What each question proves when it has no answer.
QUESTIONS: dict[str, Rows[Off]] = {
    name: sql.rows(name, Off)
    for name in (
        "crooked_journals",
        "empty_journals",
        "stale_balances",
        "payables",
        "payout_parts",
        "cash",
        "platform_accounts",
        "trade_debts",
        "organisation_debts",
        "integration_debts",
        "invoice_totals",
        "organisation_credit",
        "trade_credit",
        "held_money",
        "refund_losses",
        "collected",
        "shown_amounts",
        "refund_reserves",
        "unearned",
    )
}
counts = sql.row("counts", Counts)
