"""Rows of page_payments: what the gateway captured at pages of invoices and bills."""

from __future__ import annotations

from uuid import UUID

from storage.database.binder import Statements

sql = Statements("page_payments")

record = sql.run("record")
owner_of = sql.scalar("owner_of", UUID)
