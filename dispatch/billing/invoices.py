"""Invoices of organisations: made of done bookings on account, once each, in the amounts that were posted (R68)."""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from dispatch import numbers
from dispatch.billing import invoice_payments
from dispatch.engine import files
from dispatch.engine.files import Owner as FileOwner
from dispatch.errors import Conflict, Missing
from dispatch.events import SYSTEM
from dispatch.localtime import local
from dispatch.outbox import messages
from dispatch.parties import billing_settings, organisations
from dispatch.ports.files import FilesAway
from dispatch.reports import invoice_pdf
from dispatch.reports.invoice_pdf import InvoiceLine, draw
from dispatch.reports.typefaces import money
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from storage import invoices as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.invoices import Invoice, Line, LineOf, Part, Summary
from storage.organisations import Organisation

log = logging.getLogger(__name__)
#: So many are read at a time.
MOST_PAPERS = 100
LIST, EVERYBODYS = rows.of_organisation, rows.everybodys


class NothingToBill(Conflict):
    """There is nothing to bill in this period that is not on an invoice already."""

    code = "nothing_to_bill"


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the organisation's clocks, both included."""

    start: date
    end: date


async def issue(
    tx: Tx, organisation_id: UUID, period: Period, *, kind: str, group_by: str | None = None,
    is_summary: bool | None = None,
) -> Invoice:  # fmt: skip
    """An invoice for all that was done until the end of the period and stands on none. Raises Missing, NothingToBill.

    The organisation's row is the lock: two at once make one, and a period has one by the clock. What an organisation
    has as credit is taken at once. How its lines are made is as the organisation set it, unless said otherwise.
    """
    home = await organisations.lock(tx, organisation_id)
    currency = organisations.currency_of(home)
    found = await rows.unbilled(tx.conn, organisation_id=home.id, until=period.end, currency=currency)
    booking_ids = [ref.id for ref in found]
    sums = await rows.sums(tx.conn, booking_ids=booking_ids)
    if sums is None or not sums.bookings or sums.subtotal_minor + sums.tax_minor <= sums.discount_minor:
        raise NothingToBill
    settings = await billing_settings.get(tx.conn, home.id)
    grouping = group_by or settings.group_by
    today = local(tx.now, organisations.timezone_of(home)).date()
    invoice_id = await rows.insert(
        tx.conn, number=await numbers.take(tx.conn, "INV", today), organisation_id=home.id, kind=kind,
        period_start=min(period.start, sums.first_day or period.start), period_end=period.end, currency=currency,
        subtotal_minor=sums.subtotal_minor, discount_minor=sums.discount_minor, tax_minor=sums.tax_minor,
        issued_on=today, due_on=today + timedelta(days=settings.terms_days), group_by=grouping,
    )  # fmt: skip
    if invoice_id is None:
        raise NothingToBill
    if is_summary is None:
        is_summary = settings.invoice_format == "summary"
    await rows.insert_lines(
        tx.conn, invoice_id=invoice_id, group_by=grouping, is_summary=is_summary, booking_ids=booking_ids
    )
    await rows.take_bookings(tx.conn, invoice_id=invoice_id, booking_ids=booking_ids)
    await invoice_payments.use_credit(tx, home.id)
    invoice = await get(tx.conn, None, invoice_id)
    await _announce(tx, home, invoice)
    return invoice


async def get(conn: Conn, organisation_id: UUID | None, invoice_id: UUID) -> Invoice:
    """`organisation_id` None: staff. Raises Missing, also for another organisation's."""
    found = await rows.get(conn, id=invoice_id)
    if found is None or organisation_id not in (None, found.organisation_id):
        raise Missing("invoice")
    return found


async def lines(conn: Conn, invoice_id: UUID) -> list[Line]:
    return await rows.lines(conn, invoice_id=invoice_id)


async def lines_of(conn: Conn, invoice_ids: list[UUID], within: UUID | None) -> dict[UUID, list[LineOf]]:
    """The lines of each; `within`: a department's alone."""
    found: dict[UUID, list[LineOf]] = {i: [] for i in invoice_ids}
    for line in await rows.lines_of(conn, invoice_ids=invoice_ids, within=within):
        found[line.invoice_id].append(line)
    return found


async def page(conn: Conn, organisation_id: UUID, within: UUID | None, wanted: Wanted) -> Slice[Invoice]:
    """`within`: those on which a department has something, in the amounts that it has on them."""
    found = await LIST.page(conn, wanted, organisation_id=organisation_id, within=within)
    if within is None:
        return found
    parts = {p.invoice_id: p for p in await rows.parts(conn, invoice_ids=[i.id for i in found.rows], within=within)}
    return found.of([_part_of(invoice, parts[invoice.id]) for invoice in found.rows])


async def page_of_all(conn: Conn, wanted: Wanted) -> Slice[Invoice]:
    return await EVERYBODYS.page(conn, wanted)


async def summary(conn: Conn, organisation_id: UUID, within: UUID | None) -> Summary:
    """`within`: of what a department has on invoices alone."""
    if within is None:
        found = await rows.summary(conn, organisation_id=organisation_id)
    else:
        found = await rows.summary_within(conn, organisation_id=organisation_id, within=within)
    assert found is not None, "an aggregate always has a row"
    return found


async def pdf(services: Services, invoice_id: UUID) -> bytes:
    """The invoice on paper; made anew, because what was paid on it changes."""
    async with services.read() as conn:
        invoice = await get(conn, None, invoice_id)
        home = await organisations.get(conn, invoice.organisation_id)
        found = await lines(conn, invoice_id)
    paper = _paper(invoice, home, found, services.settings.brand)
    return await asyncio.to_thread(draw, paper)


async def file_of(services: Services, invoice_id: UUID) -> UUID:
    """The id of the invoice as it was issued, in the store; made where it is not there yet."""
    async with services.read() as conn:
        invoice = await get(conn, None, invoice_id)
    if invoice.file_id is not None:
        return invoice.file_id
    content = io.BytesIO(await pdf(services, invoice_id))
    owner = FileOwner("organisation", invoice.organisation_id)
    received = await files.receive(services, "invoice", owner, f"{invoice.number}.pdf", content, SYSTEM)
    async with services.transaction() as tx:
        if await rows.set_file(tx.conn, id=invoice_id, file_id=received.id):
            await files.keep(tx, received.id)
            return received.id
    async with services.read() as conn:
        kept = (await get(conn, None, invoice_id)).file_id
    assert kept is not None, "somebody else was first"
    return kept


# ---------------------------------------------------------------- by the clock


async def bill_due(services: Services) -> int:
    """Bills whoever's day has come for what was done before this month; returns how many invoices were made.

    Each organisation by itself: one that cannot be billed is logged, tried again at the next turn, and holds up nobody.
    """
    async with services.read() as conn:
        due = await rows.to_bill(conn)
    made = 0
    for ref in due:
        try:
            await _bill(services, ref.id)
            made += 1
        except NothingToBill:
            continue
        except Exception:
            log.exception("organisation %s could not be billed", ref.id)
    return made


async def keep_papers(services: Services) -> int:
    """Puts into the store the PDFs that are not there yet; returns how many.

    One that cannot be made is logged, tried again at the next turn, and holds up no other; where the store is away all
    wait.
    """
    kept, failed = 0, list[UUID]()
    while True:
        async with services.read() as conn:
            due = await rows.without_paper(conn, most=MOST_PAPERS, but=failed)
        for ref in due:
            try:
                await file_of(services, ref.id)
                kept += 1
            except FilesAway as e:
                log.warning("the PDFs of invoices cannot be kept, and are made at a later turn: %s", e.__cause__ or e)
                return kept
            except Exception:
                log.exception("the PDF of the invoice %s could not be made", ref.id)
                failed.append(ref.id)
        if len(due) < MOST_PAPERS:
            return kept


async def _bill(services: Services, organisation_id: UUID) -> Invoice:
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_id)
        cycle = (await billing_settings.get(conn, organisation_id)).billing_cycle
    period = last_period(local(services.clock.now(), organisations.timezone_of(home)).date(), cycle)
    async with services.transaction() as tx:
        return await issue(tx, organisation_id, period, kind="periodic")


def last_period(today: date, cycle: str) -> Period:
    """The month, or the quarter, before the one that a day lies in."""
    first = today.replace(day=1)
    end = first - timedelta(days=1)
    start = end.replace(day=1)
    if cycle == "quarterly":
        while (start.month - 1) % 3:
            start = (start - timedelta(days=1)).replace(day=1)
    return Period(start, end)


async def turn_overdue(services: Services) -> int:
    """Whatever was not paid by its day is overdue from the next on, and its organisation is told once."""
    async with services.transaction() as tx:
        turned = await rows.turn_overdue(tx.conn)
        for ref in turned:
            invoice = await get(tx.conn, None, ref.id)
            home = await organisations.get(tx.conn, invoice.organisation_id)
            for address in await billing_settings.recipients(tx.conn, home):
                await messages.enqueue(tx, "email", address, "invoice_overdue", _told(invoice))
    return len(turned)


def _part_of(invoice: Invoice, part: Part) -> Invoice:
    """The invoice as a department sees it; its part is paid when the whole is."""
    return replace(
        invoice, subtotal_minor=part.subtotal_minor, discount_minor=part.discount_minor, tax_minor=part.tax_minor,
        total_minor=part.total_minor, paid_minor=part.total_minor if invoice.status == "paid" else 0,
    )  # fmt: skip


async def _announce(tx: Tx, home: Organisation, invoice: Invoice) -> None:
    for address in await billing_settings.recipients(tx.conn, home):
        await messages.enqueue(tx, "email", address, "invoice_issued", _told(invoice))
    await deliveries.publish(
        tx, Owner("organisation", home.id), "invoice.generated",
        {
            "invoice_id": str(invoice.id), "invoice_number": invoice.number, "amount_minor": invoice.total_minor,
            "currency": invoice.currency, "period_start": invoice.period_start.isoformat(),
            "period_end": invoice.period_end.isoformat(), "due_date": invoice.due_on.isoformat(),
        },
        key=f"invoice:{invoice.id}", stream=str(invoice.id),
    )  # fmt: skip


def _paper(i: Invoice, home: Organisation, found: list[Line], seller: str) -> invoice_pdf.Invoice:
    """What a finance person looks for: who, for what, when it is due, what is open."""
    shown: list[InvoiceLine] = []
    heading: str | None = None
    for line in found:
        if line.heading is not None and line.heading != heading:
            heading = line.heading
            shown.append(InvoiceLine(heading, "", "", ""))
        shown.append(
            InvoiceLine(
                line.description, str(line.quantity), money(line.unit_minor, i.currency),
                money(line.amount_minor, i.currency),
            )
        )  # fmt: skip
    kept = home.address or {}
    place = ", ".join(str(kept[k]) for k in ("street", "city", "state", "zip_code", "country") if kept.get(k))
    sums = [
        ("Subtotal", i.subtotal_minor), ("Discount", -i.discount_minor), ("Tax", i.tax_minor), ("Total", i.total_minor),
        ("Paid", -i.paid_minor), ("To pay", i.open_minor),
    ]  # fmt: skip
    return invoice_pdf.Invoice(
        number=i.number, issued_on=i.issued_on, seller=[seller],
        buyer=[
            text
            for text in (home.legal_name or home.name, place, home.tax_id and f"Tax id {home.tax_id}",
                         home.registration_no and f"Registration {home.registration_no}")
            if text
        ],
        about=[f"Services from {i.period_start.isoformat()} to {i.period_end.isoformat()}"],
        lines=shown, sums=[(words, money(minor, i.currency)) for words, minor in sums],
        notes=[f"Please pay by {i.due_on.isoformat()} and name {i.number}."],
    )  # fmt: skip


def _told(invoice: Invoice) -> dict[str, str]:
    amount = f"{invoice.open_minor / 100:,.2f} {invoice.currency}"
    return {"number": invoice.number, "amount": amount, "due": invoice.due_on.isoformat()}
