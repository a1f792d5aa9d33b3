"""Rows of parties, as those who are billed for bookings on account."""

from __future__ import annotations

from storage.database.binder import Statements

sql = Statements("payers")

kind_of = sql.scalar("kind_of", str)
