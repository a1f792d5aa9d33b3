"""Rows of bank_accounts: where a party is paid; the number is sealed, its last four digits are readable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("bank_accounts")


@dataclass(frozen=True, slots=True)
class BankAccount:
    id: UUID
    bank_name: str | None
    account_name: str | None
    number_enc: bytes
    last4: str
    ifsc: str | None
    #: How banks outside India are named.
    bank_code: str | None
    routing_no: str | None
    swift: str | None
    created_at: datetime


lock_party = sql.scalar("lock_party", UUID)
retire_default = sql.run("retire_default")
insert = sql.row("insert", BankAccount)
default_of = sql.row("default_of", BankAccount)
of_payouts = sql.rows("of_payouts", BankAccount)
