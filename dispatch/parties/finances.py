"""An organisation's money: what was spent on what, what is allotted, what is to come; and reports of it as files."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from dispatch.reports import csv_writer, pdf_writer, xlsx_writer
from dispatch.reports.rows import Cell, Format, Table
from dispatch.services import Services
from storage import finances as rows
from storage.database.pool import Conn
from storage.finances import ByDepartment, ByMonth, ByService, Totals, Upcoming
from storage.organisations import Organisation

PeriodName = Literal["week", "month", "quarter", "year"]
ReportType = Literal["summary", "detailed", "tax", "departmental"]
_WRITERS = {"csv": csv_writer.write, "xlsx": xlsx_writer.write, "pdf": pdf_writer.write}
#: Bookings of a detailed report that are read at once.
_BATCH = 500
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Span:
    """Days of the organisation's clocks, both included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Overview:
    totals: Totals
    departments: list[ByDepartment]
    services: list[ByService]
    months: list[ByMonth]
    upcoming: Upcoming


def span_of(period: PeriodName, today: date) -> Span:
    """The week, month, quarter or year that a day lies in, until its end."""
    if period == "week":
        start = today - timedelta(days=today.weekday())
        return Span(start, start + timedelta(days=6))
    if period == "year":
        return Span(date(today.year, 1, 1), date(today.year, 12, 31))
    first = today.month if period == "month" else today.month - (today.month - 1) % 3
    last = first if period == "month" else first + 2
    after = date(today.year + last // 12, last % 12 + 1, 1)
    return Span(date(today.year, first, 1), after - timedelta(days=1))


async def overview(conn: Conn, organisation_id: UUID, within: UUID | None, span: Span) -> Overview:
    """What was spent in a span; `within` narrows it to a department."""
    chosen = _chosen(organisation_id, within, span)
    totals = await rows.totals(conn, **chosen)
    upcoming = await rows.upcoming(conn, organisation_id=organisation_id, within=within)
    assert totals is not None and upcoming is not None, "an aggregate always has a row"
    return Overview(
        totals, await rows.by_department(conn, **chosen), await rows.by_service(conn, **chosen),
        await rows.by_month(conn, **chosen), upcoming,
    )  # fmt: skip


async def report(
    services: Services, home: Organisation, kind: ReportType, form: Format, within: UUID | None, span: Span
) -> AsyncGenerator[bytes, None]:
    """A report as a file, in pieces."""
    title = f"{kind.capitalize()} {span.start.isoformat()} to {span.end.isoformat()}"
    columns = _COLUMNS[kind]
    async for piece in _WRITERS[form](Table(title, columns, _batches(services, home, kind, within, span))):
        yield piece


_COLUMNS: dict[ReportType, Sequence[str]] = {
    "summary": ("Month", "Bookings", "Subtotal", "Discount", "Tax", "Total", "Currency"),
    "tax": ("Month", "Taxable", "Tax", "Total", "Currency"),
    "departmental": ("Department", "Bookings", "Subtotal", "Discount", "Tax", "Total", "Currency"),
    "detailed": (
        "Booking", "Date", "Department", "Member", "Services", "Status", "Subtotal", "Discount", "Tax", "Total",
        "Currency", "Invoice",
    ),
}  # fmt: skip


async def _batches(
    services: Services, home: Organisation, kind: ReportType, within: UUID | None, span: Span
) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    currency, chosen = home.currency or "", _chosen(home.id, within, span)
    if kind == "detailed":
        async for batch in _details(services, currency, chosen, span):
            yield batch
        return
    async with services.read() as conn:
        if kind == "departmental":
            found = await rows.by_department(conn, **chosen)
            yield [
                [d.department or "-", d.bookings, *_money(d), currency] for d in found
            ]  # fmt: skip
            return
        months = await rows.by_month(conn, **chosen)
    if kind == "tax":
        yield [[f"{m.month:%Y-%m}", *map(_units, (m.net_minor, m.tax_minor, m.spent_minor)), currency] for m in months]
        return
    yield [
        [f"{m.month:%Y-%m}", m.bookings, *_money(m), currency] for m in months
    ]  # fmt: skip


async def _details(
    services: Services, currency: str, chosen: dict[str, object], span: Span
) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    after_day, after_id = span.start - timedelta(days=1), _FIRST
    while True:
        async with services.read() as conn:
            found = await rows.detailed(conn, **chosen, after_day=after_day, after_id=after_id, most=_BATCH)
            if not found:
                return
            place = await rows.last_of(conn, number=found[-1].number)
        assert place is not None, "it was just read"
        after_day, after_id = place.day, place.id
        yield [
            [
                d.number, d.local_date, d.department, d.member, d.services, d.status,
                *map(_units, (d.net_minor, d.discount_minor, d.tax_minor, d.grand_total_minor)), currency, d.invoice,
            ]
            for d in found
        ]  # fmt: skip


def _money(row: ByDepartment | ByMonth) -> list[float]:
    return [_units(minor) for minor in (row.net_minor, row.discount_minor, row.tax_minor, row.spent_minor)]


def _units(minor: int) -> float:
    return minor / 100


def _chosen(organisation_id: UUID, within: UUID | None, span: Span) -> dict[str, object]:
    return {"organisation_id": organisation_id, "within": within, "from_day": span.start, "to_day": span.end}
