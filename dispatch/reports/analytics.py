"""What the business did: revenue, technicians, services and the dashboard, by the days of its own time zone.

Revenue is what was captured online, plus the cash of completed jobs, minus refunds, each on the day of its journal in
the ledger; a failed refund counts again. What is paid out of a wallet is no new money. An average order is revenue over
the bookings that were paid (C17). Everything is of one currency.

Days that are over are summed once (`roll`); an answer is these sums and the events since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from dispatch.errors import Invalid
from dispatch.localtime import local, to_utc
from dispatch.services import Services
from storage import alerts as alert_rows
from storage import analytics as rows
from storage.alerts import OpenKind
from storage.analytics import Dashboard, Revenue, ServiceSums, TechnicianSums
from storage.database.binder import Statement
from storage.database.pool import Conn

Unit = Literal["day", "week", "month"]
#: The longest span that is asked for at once.
MOST_DAYS = 3660
#: The most days of a breakdown by day.
MOST_BUCKETS = 1100
#: More technicians or services than this are not shown at once.
MOST_ROWS = 5000
#: A day is summed when it has been over for so long: a transaction that began in it may end a little later.
SETTLED_AFTER = timedelta(hours=1)
#: Before anything that is summed or asked for.
EARLIEST = date(1990, 1, 1)
#: So many days are summed in one transaction.
DAYS_AT_ONCE = 31


@dataclass(frozen=True, slots=True)
class Span:
    """Local days, both included."""

    date_from: date
    date_to: date
    currency: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Report:
    """Revenue of a span and of each part of it."""

    total_minor: int
    bookings: int
    paid: int
    parts: Sequence[Revenue]

    @property
    def average_minor(self) -> int:
        """To the nearest smallest unit; 0 when nothing was paid."""
        return round(self.total_minor / self.paid) if self.paid else 0


def span(services: Services, date_from: date, date_to: date, currency: str | None) -> Span:
    """Raises Invalid for one that ends before it begins, or is too long."""
    if date_to < date_from:
        raise Invalid({"date_to": "must not be before date_from"})
    if (date_to - date_from).days >= MOST_DAYS:
        raise Invalid({"date_to": f"must be within {MOST_DAYS} days of date_from"})
    settings = services.settings
    return Span(date_from, date_to, currency or settings.currency, settings.timezone)


async def revenue(conn: Conn, wanted: Span, unit: Unit) -> Report:
    """Parts without anything are there too. A week begins on Monday. Raises Invalid for too many days."""
    if unit == "day" and (wanted.date_to - wanted.date_from).days >= MOST_BUCKETS:
        raise Invalid({"date_to": f"must be within {MOST_BUCKETS} days of date_from when grouped by day"})
    bounds = await _bounds(conn, wanted)
    parts = await rows.revenue(conn, unit=unit, date_to=wanted.date_to, **_taken(bounds, rows.revenue))
    return Report(
        sum(p.revenue_minor for p in parts), sum(p.bookings for p in parts), sum(p.paid for p in parts), parts
    )


async def technicians(conn: Conn, wanted: Span, technician_id: UUID | None = None) -> list[TechnicianSums]:
    """Jobs that ended in the span, what was earned and how many stars were given in it; the busiest first."""
    bounds = await _bounds(conn, wanted)
    return await rows.technicians(
        conn, technician_id=technician_id, limit=MOST_ROWS, **_taken(bounds, rows.technicians)
    )


async def popularity(conn: Conn, wanted: Span) -> list[ServiceSums]:
    """Services booked in the span, the price of what was done and the stars given in it; the most booked first."""
    bounds = await _bounds(conn, wanted)
    return await rows.services(conn, limit=MOST_ROWS, **_taken(bounds, rows.services))


async def dashboard(conn: Conn, today: date, currency: str, timezone: str) -> tuple[Dashboard, list[OpenKind]]:
    """The business at this moment, and how many alerts of each kind are open."""
    until = await _summed_until(conn, timezone)
    found = await rows.dashboard(
        conn, currency=currency, rolled_to=until, live_from=_begin(until, timezone), today_from=_begin(today, timezone)
    )
    assert found is not None, "an aggregate has a row"
    return found, await alert_rows.count_open(conn)


def today(services: Services) -> date:
    """The day of the business."""
    return local(services.clock.now(), services.settings.timezone).date()


async def roll(services: Services) -> int:
    """Sums the days that are over and settled; returns how many that were. Anybody may call it at any time."""
    timezone, done = services.settings.timezone, 0
    while True:
        async with services.transaction() as tx:
            days = await roll_some(tx.conn, local(tx.now - SETTLED_AFTER, timezone).date(), timezone)
        if not days:
            return done
        done += days


async def roll_some(conn: Conn, last: date, timezone: str) -> int:
    """Some of the days before `last` that are not summed yet; returns how many. Sums of another place's days go."""
    before = await rows.lock(conn)
    assert before is not None, "the migration put it there"
    begin = before.until
    if before.timezone != timezone:
        await rows.empty(conn)
        first = await rows.first_day(conn, timezone=timezone)
        begin = last if first is None else min(first, last)
    until = max(begin, min(begin + timedelta(days=DAYS_AT_ONCE), last))
    if until > begin:
        given = {
            "from_day": begin, "until": until, "timezone": timezone, "from_at": _begin(begin, timezone),
            "until_at": _begin(until, timezone),
        }  # fmt: skip
        for statement in rows.ROLLS:
            await statement(conn, **_taken(given, statement))
    await rows.rolled(conn, timezone=timezone, until=until)
    return (until - begin).days


async def _bounds(conn: Conn, wanted: Span) -> dict[str, Any]:
    """Which part of a span is read from the sums, months first, and which from the events."""
    until, end = await _summed_until(conn, wanted.timezone), wanted.date_to + timedelta(days=1)
    rolled_to = max(wanted.date_from, min(until, end))
    month_from = _first(wanted.date_from + timedelta(days=31)) if wanted.date_from.day > 1 else wanted.date_from
    month_to = max(month_from, _first(rolled_to))
    return {
        "date_from": wanted.date_from, "currency": wanted.currency, "timezone": wanted.timezone,
        "rolled_to": rolled_to, "month_from": month_from, "month_to": month_to,
        "live_from": _begin(rolled_to, wanted.timezone), "live_to": _begin(end, wanted.timezone),
    }  # fmt: skip


async def _summed_until(conn: Conn, timezone: str) -> date:
    """The first day that is not summed; of another place's days none is."""
    found = await rows.read(conn)
    return found.until if found is not None and found.timezone == timezone else EARLIEST


def _first(day: date) -> date:
    """The first of its month."""
    return day.replace(day=1)


def _begin(day: date, timezone: str) -> datetime:
    """When a day begins by the clocks of a place."""
    return to_utc(day, time(0), timezone)


def _taken(given: Mapping[str, Any], statement: Statement) -> dict[str, Any]:
    """What of it a statement takes."""
    return {name: given[name] for name in statement.parameters if name in given}
