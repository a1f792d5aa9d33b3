"""Invoices: every done booking once, in the amounts that were posted; overdue when they are not paid by their day."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from dispatch.billing import invoices
from dispatch.billing.invoices import NothingToBill, last_period
from dispatch.parties import billing_settings, members, organisations
from dispatch.parties.billing_settings import BillingIn
from dispatch.ports.files import NoFiles
from dispatch.services import Services
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage.invoices import Invoice
from storage.ledger_check import QUESTIONS
from tests.dispatch.billing.invoiced import STAFF, issued, last_month, seen, today, transfer
from tests.organisations import APART, NOON, Home, add_organisation


async def test_no_invoice_is_told_behind_another(home: Home) -> None:
    async with home.services.transaction() as tx:
        owner = Owner("organisation", home.id)
        await endpoints.create(tx, owner, STAFF, url="https://hooks.example.com/in", events=["invoice.generated"])
    for _ in range(2):
        await home.done(last_month(home).end)
        await issued(home)
    async with home.services.read() as conn:
        streams = await conn.fetch("SELECT stream FROM webhook_deliveries")
    assert len(streams) == len(set(streams)) == 2


async def test_an_invoice_holds_every_done_booking_once(home: Home) -> None:
    """R68: subtotal 1800.00, tax 12 % and discount 15 % of it, total 1746.00; and a cancellation's fee."""
    place, day = await home.department("Engineering"), last_month(home).end
    for _ in range(3):
        await home.done(day, department_id=place.id)
    await home.done(day, status="cancelled", fee_minor=5000)
    await home.done(today(home) + timedelta(days=40))
    made = await issued(home, group_by="department")
    assert (made.subtotal_minor, made.tax_minor, made.discount_minor) == (185000, 21600, 27000)
    assert made.total_minor == 179600
    assert made.number.startswith("INV-") and made.due_on == made.issued_on + timedelta(days=30)
    async with home.services.read() as conn:
        lines = await invoices.lines(conn, made.id)
    assert [(x.heading, x.description, x.quantity, x.amount_minor) for x in lines] == [
        ("Engineering", "Office Cleaning", 3, 180000), (None, "Cancellation fee", 1, 5000)
    ]  # fmt: skip
    assert await home.owes() == made.total_minor + 58200
    with pytest.raises(NothingToBill):
        await issued(home)


async def test_a_summary_has_a_line_for_each_group(home: Home) -> None:
    """As the settings say, or as is asked for; the sums are the same."""
    async with home.services.transaction() as tx:
        settings = BillingIn(invoice_format="summary", group_by="department")
        await billing_settings.put(tx, home.id, settings, None)
    place, day = await home.department("Engineering"), last_month(home).end

    async def lines_of(**more: Any) -> list[tuple[object, ...]]:
        for price, name in ((60000, "Office Cleaning"), (60000, "Office Cleaning"), (90000, "Deep Cleaning")):
            await home.done(day, department_id=place.id, price_minor=price, name=name)
        await home.done(day, status="cancelled", fee_minor=5000)
        made = await issued(home, **more)
        async with home.services.read() as conn:
            lines = await invoices.lines(conn, made.id)
        assert sum(x.amount_minor for x in lines) == made.subtotal_minor == 215000
        return [(x.heading, x.description, x.quantity, x.amount_minor) for x in lines]

    fee = (None, "Cancellation fee", 1, 5000)
    assert await lines_of() == [fee, (None, "Engineering", 1, 210000)]
    by_service = [fee, (None, "Deep Cleaning", 1, 90000), (None, "Office Cleaning", 1, 120000)]
    assert await lines_of(group_by="service") == by_service
    assert await lines_of(is_summary=False) == [
        ("Engineering", "Deep Cleaning", 1, 90000), ("Engineering", "Office Cleaning", 2, 120000), fee
    ]  # fmt: skip


async def test_two_at_once_make_one(home: Home) -> None:
    await home.done(last_month(home).end)
    made = await asyncio.gather(*(issued(home) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(m, Invoice) for m in made) == 1
    assert sum(isinstance(m, NothingToBill) for m in made) == 3


async def test_what_is_done_while_an_invoice_is_made_stands_on_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.done(last_month(home).end)
    late = await home.done(last_month(home).end, status="in_progress", price_minor=90000)
    insert = invoices.rows.insert

    async def inserted(*args: Any, **values: Any) -> Any:
        """Somebody says that the job is done, on another connection, before the lines are written."""
        async with home.services.transaction() as tx:
            await tx.conn.execute("UPDATE bookings SET status = 'completed' WHERE id = $1", late)
        return await insert(*args, **values)

    monkeypatch.setattr(invoices.rows, "insert", inserted)
    first = await issued(home)
    monkeypatch.undo()
    second = await issued(home)
    for made, minor in ((first, 60000), (second, 90000)):
        assert made.subtotal_minor == minor
        async with home.services.read() as conn:
            assert sum(line.amount_minor for line in await invoices.lines(conn, made.id)) == minor
    async with home.services.transaction() as tx:
        assert await QUESTIONS["invoice_totals"](tx.conn) == []
        # It is seen when one is missing.
        await tx.conn.execute("UPDATE bookings SET invoice_id = NULL WHERE id = $1", late)
        [off] = await QUESTIONS["invoice_totals"](tx.conn)
        assert (off.subject, off.found_minor, off.expected_minor) == (str(second.id), second.total_minor, 0)


async def test_the_clock_bills_the_month_before_and_again_nothing(home: Home) -> None:
    await home.done(last_month(home).start)
    async with home.services.transaction() as tx:
        await billing_settings.put(tx, home.id, BillingIn(recipients=["fin@x.example"], payment_terms="net_15"), None)
    assert [await invoices.bill_due(home.services) for _ in range(2)] == [1, 0]
    assert [await invoices.keep_papers(home.services) for _ in range(2)] == [1, 0]
    async with home.services.read() as conn:
        row = await conn.fetchrow("SELECT id, kind, due_on - issued_on AS days, file_id FROM invoices")
        sent = await conn.fetchval("SELECT body FROM outbox WHERE recipient = 'fin@x.example'")
    assert (row["kind"], row["days"]) == ("periodic", 15) and row["file_id"] is not None
    assert "582.00 INR" in sent
    paper = await invoices.pdf(home.services, row["id"])
    assert paper.startswith(b"%PDF-") and b"DejaVuSans" in paper


async def test_a_booking_finished_late_stands_on_the_next_bill(home: Home) -> None:
    """Also one of long ago, which another has begun a bill with before; whoever else is to be billed is."""
    period = last_month(home)
    for day in (period.start, period.start - timedelta(days=40)):
        await home.done(day)
        await invoices.bill_due(home.services)
    other = await add_organisation(home.services)
    await other.done(period.start)
    assert [await invoices.bill_due(home.services) for _ in range(2)] == [1, 0]
    with pytest.raises(NothingToBill):
        await issued(home, kind="periodic")
    async with home.services.read() as conn:
        billed = await conn.fetch("SELECT organisation_id, period_end FROM invoices ORDER BY created_at")
    assert [tuple(row) for row in billed] == [(home.id, period.end), (other.id, period.end)]
    # On the next day of billing there is another period.
    async with home.services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET period_start = '2020-01-01', period_end = '2020-01-31'")
    assert await invoices.bill_due(home.services) == 1


async def test_one_that_cannot_be_billed_holds_up_nobody(home: Home) -> None:
    homes = [home, *[await add_organisation(home.services) for _ in range(2)]]
    bad = sorted(homes, key=lambda h: h.id)[0]
    for each in homes:
        await each.done(last_month(home).start)
    async with home.services.transaction() as tx:
        await tx.conn.execute(f"ALTER TABLE invoices ADD CONSTRAINT sick CHECK (organisation_id <> '{bad.id}')")
    assert await invoices.bill_due(home.services) == 2
    async with home.services.transaction() as tx:
        await tx.conn.execute("ALTER TABLE invoices DROP CONSTRAINT sick")
    assert await invoices.bill_due(home.services) == 1


async def test_papers_that_cannot_be_kept_are_made_later_and_hold_up_nobody(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    homes = [home, *[await add_organisation(home.services) for _ in range(2)]]
    for each in homes:
        await each.done(last_month(home).start)
    monkeypatch.setattr(invoices, "MOST_PAPERS", 1)
    store, pdf = home.services.files, invoices.pdf
    home.services.files = NoFiles()
    assert await invoices.bill_due(home.services) == 3 and await invoices.keep_papers(home.services) == 0
    assert "the PDFs of invoices cannot be kept, and are made at a later turn" in caplog.text
    assert "could not be billed" not in caplog.text
    home.services.files = store
    async with home.services.read() as conn:
        [sick, *_] = [row["id"] for row in await conn.fetch("SELECT id FROM invoices ORDER BY created_at, id")]

    async def drawn(services: Services, invoice_id: UUID) -> bytes:
        if invoice_id == sick:
            raise ZeroDivisionError
        return await pdf(services, invoice_id)

    monkeypatch.setattr(invoices, "pdf", drawn)
    assert await invoices.keep_papers(home.services) == 2
    assert f"the PDF of the invoice {sick} could not be made" in caplog.text
    monkeypatch.setattr(invoices, "pdf", pdf)
    assert [await invoices.keep_papers(home.services) for _ in range(2)] == [1, 0]


async def test_what_is_not_paid_by_its_day_is_overdue_and_told_once(home: Home) -> None:
    await home.done(last_month(home).end)
    made = await issued(home)
    assert await invoices.turn_overdue(home.services) == 0
    async with home.services.transaction() as tx:
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = due_on - 60")
    assert [await invoices.turn_overdue(home.services) for _ in range(2)] == [1, 0]
    assert (await seen(home, made.id)).status == "overdue"
    await transfer(home, made.id, made.total_minor, "UTR-9")
    assert (await seen(home, made.id)).status == "paid"


async def test_a_bill_goes_to_whom_the_organisation_names_for_it(home: Home) -> None:
    """To the recipients of its settings, else its contact for bills, its primary one, whoever registered it."""
    services = home.services
    contacts: list[dict[str, Any]] = [
        {}, {"primary": {"email": "new@contact.example"}}, {"billing": {"email": "bills@contact.example"}},
        {"billing": {"email": None}},
    ]  # fmt: skip
    for contact in contacts:
        async with services.transaction() as tx:
            await organisations.change(tx, home.id, {}, contact)
        await home.done(last_month(home).end)
        await issued(home)
    async with services.transaction() as tx:
        await billing_settings.put(tx, home.id, BillingIn(recipients=["books@accountant.example"]), None)
        await tx.conn.execute("UPDATE invoices SET issued_on = issued_on - 60, due_on = due_on - 60")
    assert await invoices.turn_overdue(services) == 4
    async with services.read() as conn:
        registered = await conn.fetchval("SELECT registered_email FROM organisations WHERE id = $1", home.id)
        told = await conn.fetch("SELECT recipient FROM outbox WHERE template LIKE 'invoice_%' ORDER BY id")
    assert [t["recipient"] for t in told] == [
        registered, "new@contact.example", "bills@contact.example", "new@contact.example",
        *["books@accountant.example"] * 4,
    ]  # fmt: skip


@pytest.mark.parametrize("timezone", APART)
async def test_an_invoice_is_overdue_from_the_day_after_by_its_organisation_s_clocks(home: Home, timezone: str) -> None:
    here = await home.in_zone(timezone, NOON)
    await home.done(here - timedelta(days=40))
    made = await issued(home)
    for due_on, turned in ((here, 0), (here - timedelta(days=1), 1)):
        async with home.services.transaction() as tx:
            await tx.conn.execute("UPDATE invoices SET issued_on = $1, due_on = $1", due_on)
        assert await invoices.turn_overdue(home.services) == turned
    async with home.services.read() as conn:
        told = await conn.fetch("SELECT recipient, body FROM outbox WHERE template = 'invoice_overdue'")
        registered = await conn.fetchval("SELECT registered_email FROM organisations WHERE id = $1", home.id)
    assert [t["recipient"] for t in told] == [registered] and made.number in told[0]["body"]


@pytest.mark.parametrize("timezone", APART)
async def test_the_day_of_billing_comes_by_the_clocks_of_the_organisation(home: Home, timezone: str) -> None:
    here = await home.in_zone(timezone, NOON)
    await home.done(here - timedelta(days=40))
    for day, billed in ((here.day + 1, 0), (here.day, 1)):
        async with home.services.transaction() as tx:
            await billing_settings.put(tx, home.id, BillingIn(billing_day=day), None)
        assert await invoices.bill_due(home.services) == billed


@pytest.mark.parametrize(("day", "cycle", "start", "end"), [
    ("2026-01-31", "monthly", "2025-12-01", "2025-12-31"), ("2026-03-01", "monthly", "2026-02-01", "2026-02-28"),
    ("2026-04-05", "quarterly", "2026-01-01", "2026-03-31"), ("2026-01-01", "quarterly", "2025-10-01", "2025-12-31"),
])  # fmt: skip
def test_the_period_before(day: str, cycle: str, start: str, end: str) -> None:
    found = last_period(date.fromisoformat(day), cycle)
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


async def test_no_bill_goes_to_whoever_is_suspended(home: Home) -> None:
    services, clerk = home.services, await home.member("finance")
    async with services.transaction() as tx:
        address = (await members.get(tx.conn, home.by, clerk)).email or ""
        await billing_settings.put(tx, home.id, BillingIn(recipients=[address.upper()]), None)
    for status in ("active", "suspended", "active"):
        async with services.transaction() as tx:
            await members.set_status(tx, home.by, clerk, status)
        await home.done(last_month(home).end)
        await issued(home)
    async with services.read() as conn:
        registered = await conn.fetchval("SELECT registered_email FROM organisations WHERE id = $1", home.id)
        told = await conn.fetch("SELECT recipient FROM outbox WHERE template = 'invoice_issued' ORDER BY id")
    assert [t["recipient"] for t in told] == [address.upper(), registered, address.upper()]
