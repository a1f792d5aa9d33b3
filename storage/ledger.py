"""Rows of the ledger: accounts, journals, postings; balance and append-only are held by triggers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("ledger")


@dataclass(frozen=True, slots=True)
class AccountRow:
    id: UUID
    owner_kind: str
    owner_id: UUID | None
    type: str
    currency: str
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting on an owner's account: positive is a credit to the owner."""

    id: int
    kind: str
    reference: str
    booking_id: UUID | None
    booking_number: str | None
    description: str | None
    amount_minor: int
    currency: str
    at: datetime

    @property
    def side(self) -> str:
        """`credit` or `debit`, for those who are shown amounts without a sign."""
        return "credit" if self.amount_minor > 0 else "debit"


@dataclass(frozen=True, slots=True)
class DebtorEntry(Entry):
    """One of a party that is billed. `payment_status` is that of a booking that is done."""

    payment_status: str | None


ensure_accounts = sql.run("ensure_accounts")
post = sql.run("post")
lock_owner = sql.rows("lock_owner", AccountRow)
balance = sql.scalar("balance", int)
accounts_of = sql.rows("accounts_of", AccountRow)
booking_sum = sql.scalar("booking_sum", int)
of_owner = Listed(
    sql, "of_owner", Entry,
    key=Sort("p.id", "bigint"), sorts={"created_at": Sort("p.id", "bigint")}, default_sort=(("created_at", True),),
    filters={
        "currency": AnyOf("p.currency", "text"),
        "type": "('credit' = ANY({}::text[]) AND p.amount_minor > 0)"
        " OR ('debit' = ANY({}::text[]) AND p.amount_minor < 0)",
    },
    columns="entry", source="entries",
)  # fmt: skip
of_debtor = Listed(
    sql, "of_debtor", DebtorEntry, key=of_owner.key, sorts=of_owner.sorts, default_sort=of_owner.default_sort,
    filters={
        **of_owner.filters, **made_on_days("(SELECT j.at FROM ledger_journals j WHERE j.id = p.journal_id)"),
    },
    columns="debtor_entry", source="debtor_entries",
)  # fmt: skip
