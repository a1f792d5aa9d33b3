"""Custom reports (R144): any metric by any dimension, as rows and as a file, once or again and again by e-mail."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from dispatch.engine import files
from dispatch.engine.files import Owner as FileOwner
from dispatch.errors import Invalid, Missing
from dispatch.events import SYSTEM
from dispatch.outbox import messages
from dispatch.parties import departments, organisations, overviews, tiers
from dispatch.parties.members import By
from dispatch.reports import csv_writer, pdf_writer, xlsx_writer
from dispatch.reports.rows import Cell, Format, Table
from dispatch.services import Services, Tx
from storage import custom_reports as rows
from storage import members as member_rows
from storage import organisation_analytics as analytics_rows
from storage.custom_reports import Definition
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.organisation_analytics import Group

Metric = Literal["bookings", "spending", "user_adoption", "satisfaction"]
Dimension = Literal["department", "service_type", "provider", "location", "month", "user"]
Frequency = Literal["daily", "weekly", "monthly", "quarterly"]
LIST = rows.of_organisation
log = logging.getLogger(__name__)
#: The first and the last day of a report.
Span = tuple[date, date]
#: A link in a letter is good for a week: after that the file is gone, too.
_LINK_S = 7 * 24 * 3600
_WRITERS = {"csv": csv_writer.write, "xlsx": xlsx_writer.write, "pdf": pdf_writer.write}


@dataclass(frozen=True, slots=True)
class ReportIn:
    """Days are the organisation's. Without a frequency it is made once, now."""

    name: str
    metrics: Sequence[Metric]
    dimensions: Sequence[Dimension] = ()
    start: date | None = None
    end: date | None = None
    departments: Sequence[UUID] = ()
    format: Format = "csv"
    frequency: Frequency | None = None
    recipients: Sequence[str] = ()


async def define(tx: Tx, by: By, new: ReportIn) -> Definition:
    """Keeps what is wanted. Raises TierTooLow, Missing (a department), OutOfReach, Invalid."""
    home = await organisations.get(tx.conn, by.organisation_id)
    tiers.require(home.tier, "custom_reports")
    for department_id in new.departments:
        await departments.get(tx.conn, home.id, department_id)
        by.check_reach(department_id)
    if new.start and new.end and new.end < new.start:
        raise Invalid({"filters.endDate": "must not be before startDate"})
    if new.frequency and not new.recipients:
        raise Invalid({"schedule.recipients": "Say to whom it goes."})
    filters: dict[str, Any] = {
        "start": new.start.isoformat() if new.start else None, "end": new.end.isoformat() if new.end else None,
        "departments": [str(d) for d in new.departments],
    }  # fmt: skip
    today = overviews.today_of(home, tx.now)
    report_id = await rows.insert(
        tx.conn, organisation_id=home.id, made_by=by.member_id, within=by.within, name=new.name,
        metrics=list(dict.fromkeys(new.metrics)), dimensions=list(dict.fromkeys(new.dimensions)), filters=filters,
        format=new.format, frequency=new.frequency, recipients=list(new.recipients),
        next_on=next_day(today, new.frequency) if new.frequency else None,
    )  # fmt: skip
    return await get(tx.conn, by, report_id)


async def get(conn: Conn, by: By, report_id: UUID | None) -> Definition:
    """Raises Missing, also for one of another organisation, or of a department that is out of reach."""
    found = await rows.get(conn, id=report_id)
    if found is None or found.organisation_id != by.organisation_id or by.within not in (None, found.within):
        raise Missing("report")
    return found


async def page(conn: Conn, by: By, wanted: Wanted) -> Slice[Definition]:
    return await LIST.page(conn, wanted, organisation_id=by.organisation_id, within=by.within)


async def delete(tx: Tx, by: By, report_id: UUID) -> None:
    """It is not made any more. Raises Missing."""
    await get(tx.conn, by, report_id)
    await rows.delete(tx.conn, id=report_id, organisation_id=by.organisation_id)


async def rows_of(conn: Conn, definition: Definition, span: Span) -> list[Group]:
    """What it says of these days."""
    kept, (start, end) = definition.filters, span
    chosen = [UUID(d) for d in kept.get("departments") or []]
    return await analytics_rows.custom(
        conn, organisation_id=definition.organisation_id, within=definition.within, from_day=start, to_day=end,
        dimensions=definition.dimensions, departments=chosen or None,
    )  # fmt: skip


def days_of(definition: Definition, today: date) -> Span:
    """Of which days it is when it is asked for: those that it names, else this month, or what its next letter has."""
    kept = definition.filters
    start, end = today.replace(day=1), today
    if definition.frequency is not None and definition.next_on is not None:
        start, _ = days_before(definition.next_on, definition.frequency)
    return (
        date.fromisoformat(kept["start"]) if kept.get("start") else start,
        date.fromisoformat(kept["end"]) if kept.get("end") else end,
    )


async def run(services: Services, definition: Definition, span: Span) -> UUID:
    """Makes the file of these days and gives its id."""
    async with services.read() as conn:
        home = await organisations.get(conn, definition.organisation_id)
        found = await rows_of(conn, definition, span)
    content = io.BytesIO()
    form: Format = "xlsx" if definition.format == "xlsx" else "pdf" if definition.format == "pdf" else "csv"

    async def batches() -> AsyncIterator[Sequence[Sequence[Cell]]]:
        yield [_line(definition, g, home.member_count) for g in found]

    table = Table(definition.name, [*definition.dimensions, *definition.metrics], batches())
    async for piece in _WRITERS[form](table):
        content.write(piece)
    content.seek(0)
    owner = FileOwner("organisation", home.id)
    file = await files.add(services, "export", owner, f"{definition.name}.{form}", content, SYSTEM)
    return file.id


async def run_due(services: Services) -> int:
    """Makes what is due by its organisation's own clocks and writes to its recipients; returns how many.

    Each letter covers the days since the one before, whatever days the report names for itself; one that fails is
    tried again and holds up no other.
    """
    async with services.read() as conn:
        due = await rows.due(conn)
    done = 0
    for definition in due:
        try:
            done += await _send(services, definition)
        except Exception:
            log.exception("a report could not be made")
    return done


async def _send(services: Services, definition: Definition) -> bool:
    """Whether it is sent now: not when somebody else was quicker."""
    assert definition.frequency is not None and definition.next_on is not None, "only those are due"
    file_id = await run(services, definition, days_before(definition.next_on, definition.frequency))
    async with services.transaction() as tx:
        next_on = next_day(definition.next_on, definition.frequency)
        if not await rows.ran(tx.conn, id=definition.id, next_on=next_on, was_on=definition.next_on):
            return False
        link = files.link_to(services, await files.get(tx.conn, file_id), _LINK_S)
        home = await organisations.get(tx.conn, definition.organisation_id)
        told = await member_rows.still_told(tx.conn, organisation_id=home.id, addresses=definition.recipients)
        # Everybody whom it went to may be gone.
        for address in [one.address for one in told] or [organisations.reached_at(home)]:
            await messages.enqueue(tx, "email", address, "report_ready", {"name": definition.name, "link": link})
    return True


def next_day(day: date, frequency: str) -> date:
    """The day after `day` on which it is made again: the next day, Monday, or first of a month or a quarter."""
    if frequency == "daily":
        return day + timedelta(days=1)
    if frequency == "weekly":
        return day + timedelta(days=7 - day.weekday())
    months = 1 if frequency == "monthly" else 3 - (day.month - 1) % 3
    last = day.month - 1 + months
    return date(day.year + last // 12, last % 12 + 1, 1)


def days_before(day: date, frequency: str) -> Span:
    """The days since the turn before `day`, which is itself such a turn: neither a gap nor twice a day."""
    if frequency == "daily":
        start = day - timedelta(days=1)
    elif frequency == "weekly":
        start = day - timedelta(days=7)
    else:
        first = day.year * 12 + day.month - 1 - (1 if frequency == "monthly" else 3)
        start = date(first // 12, first % 12 + 1, 1)
    return start, day - timedelta(days=1)


def values_of(metrics: Sequence[str], g: Group, members: int) -> dict[str, float | int | None]:
    """The metrics of a row, spending in minor units; adoption in per cent of all members."""
    adoption = round(100 * g.users / members, 1) if members else 0.0
    known = {
        "bookings": g.bookings, "spending": g.spent_minor, "user_adoption": adoption,
        "satisfaction": None if g.satisfaction is None else round(g.satisfaction, 2),
    }  # fmt: skip
    return {name: known[name] for name in metrics}


def dimensions_of(dimensions: Sequence[str], g: Group) -> dict[str, str | None]:
    return {name: getattr(g, "member" if name == "user" else name) for name in dimensions}


def _line(definition: Definition, g: Group, members: int) -> list[Cell]:
    values = values_of(definition.metrics, g, members)
    money = {name: value / 100 if name == "spending" and value else value for name, value in values.items()}
    return [*dimensions_of(definition.dimensions, g).values(), *money.values()]
