"""The bench part of the lists: a million bookings, and every list for each sort and filter that it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any

from dispatch.bench.figures import Figure
from dispatch.bench.processes import cpu_s
from dispatch.bench.stage import Stage
from dispatch.simulation.report import percentile

# Their modules declare the lists.
from storage import (
    customer_bookings,
    earnings,
    explain,
    ledger,
    notifications,
    payouts,
    queue,
    staff_bookings,
    technician_bookings,
)
from storage.database.listing import Listed, Wanted
from storage.database.pool import Conn, create_pool
from storage.tools import many

#: What a pair of sort and filters may cost that an index answers, and what any other may, in ms (p50).
INDEXED_MS, OTHERS_MS = 10.0, 300.0
#: How often a pair is asked for, and one without an index.
TIMES, TIMES_OTHERS = 40, 3
#: Days before now: a date range that a person asks for.
DAYS_BACK, DAYS_ASKED = 60, 7
#: Of which page the next answer is, by turns: it begins anew, goes on by a cursor, by a number, or deep down.
AGAIN, CURSOR, NUMBER, DEEP = "again", "cursor", "number", "deep"
WALK = (CURSOR, CURSOR, NUMBER, AGAIN, NUMBER, CURSOR, AGAIN, CURSOR, AGAIN, DEEP)
DEEP_PAGE = 400
#: What is searched for, and what that may cost: the beginnings of words that many have are many entries of an index.
SEARCHES = (
    ("one booking", "0000070", INDEXED_MS),
    ("a phone's end", "4567890", INDEXED_MS),
    ("a name", "priya sen", OTHERS_MS),
    ("a common word", "kolkata", OTHERS_MS),
    ("nothing", "zzzz", INDEXED_MS),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of each page, its CPU on both sides (more than anything a busy machine leaves alone), all rows."""

    times_ms: list[float]
    cpu_ms: float
    total: int

    @property
    def middle_ms(self) -> float:
        return percentile(self.times_ms, 0.5) or 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom a list is, and a value of each filter that is no date."""

    listed: Listed[Any]
    given: Mapping[str, Any]
    values: Mapping[str, Any] = field(default_factory=dict)


def lists() -> list[Asked]:
    """The lists that the database is filled for. A new list gets its rows in many.sql, and a line here."""
    account, technician, timezone = many.ACCOUNT_ID, many.TECHNICIAN_ID, "Asia/Kolkata"
    told = {"unread": True, "type": "booking_cancelled"}
    return [
        Asked(customer_bookings.of_account, {"account_id": account},
              {"status": "cancelled", "payment_status": "failed", "payment_method": "online"}),
        Asked(staff_bookings.everybodys, {"timezone": timezone},
              # Of each what few have, or nobody: a walk that finds nothing is the longest.
              {"status": "cancelled", "payment_status": "failed", "payment_method": "account", "account_id": account,
               "technician_id": technician, "zone_id": account, "organisation_id": many.ORGANISATION_ID,
               "system": "organisation", "currency": "USD", "category": ["Makeup"], "tier": ["Premium"], "rating": 1,
               "is_queued": True, "is_assigned": False}),
        Asked(technician_bookings.of_technician, {"technician_id": technician}, {"status": "accepted"}),
        Asked(technician_bookings.ahead, {"technician_id": technician}),
        Asked(queue.waiting, {}, {"status": ["queued"], "priority": 0}),
        Asked(earnings.of_payee, {"payee_id": technician, "timezone": timezone}, {"status": "pending"}),
        Asked(payouts.of_party, {"party_id": technician, "timezone": timezone}, {"status": "completed"}),
        Asked(payouts.everybodys, {"timezone": timezone},
              {"status": "completed", "party_id": technician, "method": "upi", "currency": "INR",
               "kind": ["technician"]}),
        Asked(notifications.of_account, {"account_id": account}, told),
        Asked(notifications.of_technician, {"technician_id": technician}, told),
        Asked(ledger.of_owner, {"owner_kind": "account", "owner_id": account, "type": "wallet"},
              {"currency": "INR", "type": ["debit"]}),
        Asked(explain.of_technician, {"technician_id": technician, "since": _now() - timedelta(days=2000)},
              {"reason": "outranked"}),
    ]  # fmt: skip


def part(stage: Stage) -> list[Figure]:
    """Times of pages, each with its count, as whoever answers a request waits for them."""
    rows = stage.few(stage.rows)
    with stage.empty() as dsn:
        return asyncio.run(_fill_and_measure(stage, dsn, rows))


async def _fill_and_measure(stage: Stage, dsn: str, rows: int) -> list[Figure]:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        await many.fill(pool, rows, stage.say)
        found: list[Figure] = []
        async with pool.connection() as conn:
            for asked in lists():
                found += await measure(conn, asked, stage.few(TIMES))
                stage.say(f"measured {asked.listed.name}")
        return found
    finally:
        await pool.close()


async def measure(conn: Conn, asked: Asked, times: int) -> list[Figure]:
    """One list: each pair that it is indexed for, the slowest of all others, and its searches."""
    found = []
    for sorts, filters in _indexed(asked):
        wanted = Wanted(sorts=sorts, filters=filters)
        found.append(_figure(asked, _described(wanted), await _times(conn, asked, wanted, times), INDEXED_MS))
    found += await _others(conn, asked)
    for what, text, most_ms in SEARCHES if asked.listed.search is not None else ():
        taken = await _times(conn, asked, Wanted(search=text), times)
        found.append(_figure(asked, f"search, {what}", taken, most_ms))
    return found


# ---------------------------------------------------------------- what is asked


def _indexed(asked: Asked) -> Iterator[tuple[tuple[tuple[str, bool], ...], dict[str, Any]]]:
    """The pairs that the list is indexed for, each sort both ways."""
    for sort, filters in asked.listed.indexed:
        values = {name: _value(asked, name) for name in filters}
        for sorts in [((sort, True),), ((sort, False),)] if sort else [()]:
            yield sorts, values


def _value(asked: Asked, name: str) -> Any:
    if name in asked.values:
        return asked.values[name]
    end = _now().date() - timedelta(days=DAYS_BACK)
    begin = end - timedelta(days=DAYS_ASKED)
    return {
        "date_from": begin, "date_to": end, "date": [end], "created_from": begin, "created_to": end,
        "from_at": _now() - timedelta(days=DAYS_BACK + DAYS_ASKED), "to_at": _now() - timedelta(days=DAYS_BACK),
    }[name]  # fmt: skip


def _described(wanted: Wanted) -> str:
    sorts = " ".join(f"{'-' if is_down else ''}{name}" for name, is_down in wanted.sorts) or "default order"
    return f"by {sorts}" + (f", {' '.join(wanted.filters)}" if wanted.filters else "")


# ---------------------------------------------------------------- how long it takes


async def _times(conn: Conn, asked: Asked, wanted: Wanted, times: int) -> Taken:
    """A walk through the list."""
    taken: list[float] = []
    page, total = wanted, 0
    backend = await many.backend(conn)
    assert backend is not None, "every session has one"
    spent_s = cpu_s(backend) + time.process_time()
    for step in islice(cycle(WALK), times):
        begun = time.perf_counter()
        found = await asked.listed.page(conn, page, **asked.given)
        taken.append((time.perf_counter() - begun) * 1000)
        total = max(total, found.total)
        page = wanted
        if step == CURSOR and found.cursor is not None:
            page = replace(wanted, cursor=found.cursor)
        elif step != AGAIN:
            page = replace(wanted, page=DEEP_PAGE if step == DEEP else found.page + 1)
    spent_s = cpu_s(backend) + time.process_time() - spent_s
    return Taken(taken, spent_s / times * 1000, total)


async def _others(conn: Conn, asked: Asked) -> list[Figure]:
    """The slowest of the pairs without an index of their own."""
    slowest: tuple[str, Taken] | None = None
    for one in asked.listed.every_wanted():
        filters = {name: _value(asked, name) for name in one.filters}
        wanted = Wanted(sorts=one.sorts, filters=filters)
        if one.search is None and not asked.listed.is_indexed(wanted):
            taken = await _times(conn, asked, wanted, TIMES_OTHERS)
            if slowest is None or taken.middle_ms > slowest[1].middle_ms:
                slowest = (_described(wanted), taken)
    if slowest is None:
        return []
    return [_figure(asked, f"slowest of the others ({slowest[0]})", slowest[1], OTHERS_MS)]


def _figure(asked: Asked, what: str, taken: Taken, most_ms: float) -> Figure:
    late = percentile(taken.times_ms, 0.95) or 0.0
    note = f"p95 {late:.1f} ms, CPU {taken.cpu_ms:.1f} ms, {taken.total:,} rows"
    return Figure(
        "lists", f"{asked.listed.name} {what}, p50", "ms", taken.middle_ms, wanted=f"<= {most_ms:g} ms", note=note
    )


def _now() -> datetime:
    return datetime.now(UTC)
