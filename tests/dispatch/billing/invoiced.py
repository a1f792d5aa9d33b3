"""Invoices of an organisation, as tests ask for them, pay them and look at them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from dispatch.billing import invoice_payments, invoices
from dispatch.billing.invoice_payments import Transfer
from dispatch.billing.invoices import Period, last_period
from dispatch.events import Actor
from dispatch.localtime import local
from storage.invoices import Invoice
from tests.organisations import Home

STAFF = Actor("admin", None)


def today(home: Home) -> date:
    """In Kolkata."""
    return local(home.services.clock.now(), "Asia/Kolkata").date()


def last_month(home: Home) -> Period:
    return last_period(today(home), "monthly")


async def issued(home: Home, **more: Any) -> Invoice:
    async with home.services.transaction() as tx:
        return await invoices.issue(tx, home.id, last_month(home), **{"kind": "requested", **more})


async def transfer(home: Home, invoice_id: UUID, minor: int, reference: str) -> Any:
    """Staff write down what came at the bank."""
    async with home.services.transaction() as tx:
        return await invoice_payments.record_transfer(tx, STAFF, invoice_id, Transfer(minor, reference, today(home)))


async def seen(home: Home, invoice_id: UUID) -> Invoice:
    async with home.services.read() as conn:
        return await invoices.get(conn, home.id, invoice_id)
