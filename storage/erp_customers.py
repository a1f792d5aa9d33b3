"""Rows of the ERP's customers: accounts that it made or that were linked in it, by the numbers it gives them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("erp_customers")


@dataclass(frozen=True, slots=True)
class ErpCustomer:
    no: int
    name: str | None
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    email: bool
    phone: bool


insert = sql.scalar("insert", int)
find = sql.rows("find", ErpCustomer)
get = sql.row("get", ErpCustomer)
insert_account = sql.scalar("insert_account", UUID)
taken = sql.row("taken", Taken)
