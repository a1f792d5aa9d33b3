"""The database: its server, its schema, its clock and what is in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dispatch.cli.doctor.backup import log_kept
from dispatch.cli.doctor.findings import Finding, Verdict
from dispatch.cli.doctor.hosts import hosts_of

if TYPE_CHECKING:
    from dispatch.config import Settings
    from storage.database.pool import Pool

_MOST_SKEW_S = 2.0


async def database_at(settings: Settings, dsn: str) -> list[Finding]:
    """The server, its schema, its log, its hosts, and where the schema is whole what is in it."""
    from dispatch.process.runtime import check_server
    from storage.database.migrate import pending
    from storage.database.pool import create_pool

    version = await check_server(dsn)
    kind = "given" if settings.database_url else "embedded"
    found = [Finding("database", "ok", f"PostgreSQL {version // 10000}.{version % 10000}, {kind}")]
    if missing := await pending(dsn):
        verdict: Verdict = "wrong" if settings.is_deployed else "note"
        remedy = "dispatch migrate" if settings.is_deployed else "`dispatch serve` applies them"
        found.append(Finding("migrations", verdict, f"{len(missing)} are missing", remedy))
        return found
    found.append(Finding("migrations", "ok", "the schema is up to date"))
    found += await log_kept(settings, dsn)
    found += await hosts_of(settings)
    pool = await create_pool(dsn, min_size=1, max_size=2)
    try:
        return found + [await _clock(pool), *await _people(pool)]
    finally:
        await pool.close()


async def _clock(pool: Pool) -> Finding:
    from dispatch.clock import Clock, Reading
    from storage import clock

    async with pool.connection() as conn:
        row = await clock.get(conn)
        before = time.time()
        theirs = await clock.real_now(conn)
        ours = (before + time.time()) / 2
    assert row is not None and theirs is not None, "the migrations make the clock's row"
    skew = theirs.timestamp() - ours
    if abs(skew) > _MOST_SKEW_S:
        return Finding("clock", "wrong", f"the database's is {skew:+.1f} s off", "synchronise both with NTP")
    ahead_s = Clock(Reading(row.real_at, row.app_at, row.speed)).ahead_s
    if row.speed != 1.0 or abs(ahead_s) >= 1.0:
        return Finding(
            "clock", "note", f"the domain's time runs at {row.speed:g}x and is {ahead_s / 3600:+.1f} hours away",
            "left by a demo or a simulation: use another --data folder for real work, or remove this one to begin anew",
        )  # fmt: skip
    return Finding("clock", "ok", "the database agrees with this machine")


async def _people(pool: Pool) -> list[Finding]:
    from storage.tools import doctor

    async with pool.connection() as conn:
        counts = await doctor.counts(conn)
    assert counts is not None, "a row of counts is always there"
    zones = (
        Finding("zones", "ok", f"{counts.zones} active")
        if counts.zones
        else Finding("zones", "note", "none: everywhere is served", "dispatch zones import FILE")
    )
    technicians = (
        Finding("technicians", "ok", f"{counts.technicians} known")
        if counts.technicians
        else Finding("technicians", "note", "none: nothing can be assigned", "dispatch seed, or let them sign up")
    )
    late = Finding("work", "ok", "nothing is overdue")
    if counts.overdue:
        late = Finding("work", "note", f"{counts.overdue} bookings wait for a server", "dispatch serve")
    return [zones, technicians, late]
