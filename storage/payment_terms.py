"""Rows of payment terms, and of which a trade partner has."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("payment_terms")


@dataclass(frozen=True, slots=True)
class PaymentTerm:
    id: int
    name: str
    description: str | None
    days: int
    is_credit: bool
    is_cash: bool
    is_bank_transfer: bool


@dataclass(frozen=True, slots=True)
class PartnerTerm(PaymentTerm):
    is_default: bool


every = sql.rows("every", PaymentTerm)
get = sql.row("get", PaymentTerm)
lock = sql.row("lock", PaymentTerm)
insert = sql.row("insert", PaymentTerm)
save = sql.row("save", PaymentTerm)
delete = sql.run("delete")
of_partner = sql.rows("of_partner", PartnerTerm)
available = sql.rows("available", PaymentTerm)
attach = sql.run("attach")
undefault = sql.run("undefault")
set_default = sql.run("set_default")
detach = sql.run("detach")
