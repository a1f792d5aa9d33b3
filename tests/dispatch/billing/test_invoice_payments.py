"""Two at once on the money of invoices: links are asked about and sent by one node each."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from dispatch.adapters.files.folder import FolderStore
from dispatch.billing import invoice_payments
from dispatch.parties import billing_settings
from dispatch.parties.billing_settings import BillingIn
from dispatch.services import Services, Tx
from storage import invoice_payments as rows
from storage import invoices as invoice_rows
from tests.dispatch.billing.test_invoices import STAFF, issued, last_month, today, with_links
from tests.organisations import Home, add_organisation
from tests.turns import side_by_side


@pytest.fixture
async def home(services: Services, tmp_path: Path) -> Home:
    services.files = FolderStore(tmp_path / "files")
    return await add_organisation(services)


async def test_two_nodes_send_and_ask_about_different_links(home: Home) -> None:
    services, made = home.services, []
    with_links(home)
    for each in (home, await add_organisation(services)):
        await each.done(last_month(home).end)
        made.append((await issued(each)).id)
        async with services.transaction() as tx:
            await billing_settings.put(tx, each.id, BillingIn(auto_payment=True), None)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = $1", today(home))

    async def send(tx: Tx) -> list[UUID]:
        return [i.id for i in await invoice_rows.claim_to_send(tx.conn, timezone="UTC", most=1)]

    async def ask(tx: Tx) -> list[UUID]:
        return [p.invoice_id for p in await rows.claim(tx.conn, most=1)]

    one, two = await side_by_side(services, send, send)
    assert len(one) == len(two) == 1 and {*one, *two} == {*made}
    for invoice_id, each in zip(made, (home.id, None), strict=True):
        await invoice_payments.pay_online(services, each, invoice_id, STAFF)
    one, two = await side_by_side(services, ask, ask)
    assert len(one) == len(two) == 1 and {*one, *two} == {*made}
