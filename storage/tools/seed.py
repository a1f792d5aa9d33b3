"""Rows that a fresh city starts with: technicians, customers and the development admin."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("seed")


@dataclass(frozen=True, slots=True)
class Phone:
    phone: str


@dataclass(frozen=True, slots=True)
class Id:
    id: UUID


phones = sql.rows("phones", Phone)
add_technician = sql.many("add_technician")
add_customer = sql.many("add_customer")
admin_by_email = sql.scalar("admin_by_email", UUID)
add_admin = sql.run("add_admin")
technician_ids = sql.rows("technician_ids", Id)
customer_ids = sql.rows("customer_ids", Id)
has_bookings = sql.scalar("has_bookings", bool)
forget_letters = sql.run("forget_letters")
