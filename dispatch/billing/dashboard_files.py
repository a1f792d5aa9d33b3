"""The dashboard as a file: a table of figures and points, and on paper a chart of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from dispatch.billing.periods import Compared
from dispatch.billing.provider_dashboard import Point, Stats
from dispatch.reports import csv_writer, sheet, xlsx_writer
from dispatch.reports.formats import Formats, major
from dispatch.reports.rows import Cell, Format, Table
from storage.providers import Provider

COLUMNS = ("Section", "Name", "This period", "Last period")


async def made(
    provider: Provider, span: Compared, numbers: Stats, points: Sequence[Point], form: Format, *, with_chart: bool
) -> bytes:
    """The whole file; amounts in major units, dates as the provider writes them."""
    written = Formats(provider.date_format, provider.time_format, provider.timezone)
    lines = [*_figures(provider, numbers), *_points(points, written)]
    if form == "pdf":
        title = f"Dashboard {written.day(span.this.first)} to {written.day(span.this.last)}"
        bars = [(_label(p, written), float(major(p.this_minor)), float(major(p.before_minor))) for p in points]
        shown: list[tuple[str, Cell]] = [(str(name), f"{this} (before: {last})") for _, name, this, last in lines[:12]]
        return await asyncio.to_thread(sheet.drawn, title, provider.name, shown, bars if with_chart else ())

    async def batches() -> AsyncIterator[Sequence[Sequence[Cell]]]:
        yield lines

    writer = csv_writer.write if form == "csv" else xlsx_writer.write
    return b"".join([piece async for piece in writer(Table("Dashboard", COLUMNS, batches()))])


def _figures(provider: Provider, s: Stats) -> list[list[Cell]]:
    found: list[list[Cell]] = [
        ["Summary", f"Income ({provider.currency})", major(s.income_minor), major(s.income_before_minor)],
        ["Summary", "Payouts", s.payouts, s.payouts_before],
        ["Summary", "Active subscribers", s.subscribers, s.subscribers_before],
        ["Summary", f"Wallet balance ({provider.currency})", major(s.balance_minor), None],
        ["Summary", f"Pending payouts ({provider.currency})", major(s.pending_minor), None],
    ]
    for word, one in s.summary.items():
        found.append(["Transactions", word, one.lines, None])
        found.append(["Transactions", f"{word} ({provider.currency})", major(one.amount_minor), None])
    return found


def _points(points: Sequence[Point], written: Formats) -> list[list[Cell]]:
    return [["Income", _label(p, written), major(p.this_minor), major(p.before_minor)] for p in points]


def _label(point: Point, written: Formats) -> str:
    day = written.day(point.day)
    return day if point.hour is None else f"{day} {point.hour:02d}:00"
