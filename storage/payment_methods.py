"""Rows of payment_methods: cards as tokens of a vault; their numbers are nowhere here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("payment_methods")


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    id: UUID
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    holder: str
    is_default: bool
    created_at: datetime


of_party = sql.rows("of_party", PaymentMethod)
insert = sql.row("insert", PaymentMethod)
clear_default = sql.run("clear_default")
set_default = sql.run("set_default")
remove = sql.run("remove")
default_newest = sql.run("default_newest")
