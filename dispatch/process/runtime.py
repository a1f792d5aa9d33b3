"""Opens and closes everything a process needs, in order: database, clock, books in memory, loops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from dispatch.adapters.files import store_of
from dispatch.adapters.geocoder import geocoder
from dispatch.adapters.razorpay import opened
from dispatch.bus import Bus, LocalBus, RedisBus
from dispatch.clock import Clock, Reading
from dispatch.config import Settings
from dispatch.engine import settings as set_by_staff
from dispatch.errors import Unavailable
from dispatch.live import real_time
from dispatch.live.devices import Devices
from dispatch.live.replica import Replica
from dispatch.live.roster import Roster
from dispatch.live.sessions import Sessions
from dispatch.live.tracking import Tracker
from dispatch.live.zones import ZoneBook
from dispatch.parties import integration_usage
from dispatch.process.wiring import reactions_of, workers_of
from dispatch.services import Services
from dispatch.tokens import Tokens, token_keys
from dispatch.vault import vault_of
from storage import clock as clock_rows
from storage.database import migrate
from storage.database.embedded import EmbeddedPostgres
from storage.database.errors import DatabaseAway, DatabaseBusy, StorageError
from storage.database.pool import Pool, create_pool

log = logging.getLogger(__name__)

#: The oldest PostgreSQL whose features the schema uses (UNIQUE NULLS NOT DISTINCT).
OLDEST_POSTGRES = 150000


class CannotStart(Unavailable):
    """The server cannot start."""

    code = "cannot_start"


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The DSN: the given database's, or that of an embedded one that lives as long as this block."""
    if settings.database_url:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.data)
    # Started here and not in a thread: the signal that ends it with us is tied to the thread that starts it.
    dsn = server.start()
    try:
        yield dsn
    finally:
        await asyncio.to_thread(server.stop)


async def check_server(dsn: str) -> int:
    """Its version, as 180004. Raises CannotStart with a sentence that says what to do."""
    try:
        pool = await create_pool(dsn, min_size=1, max_size=1)
    except (DatabaseAway, DatabaseBusy) as e:
        raise CannotStart(f"The database cannot be reached ({e}): check DATABASE_URL and that it runs.") from e
    except (StorageError, ValueError) as e:
        raise CannotStart(f"The database refused us ({e}): check DATABASE_URL.") from e
    try:
        async with pool.connection() as conn:
            version = await clock_rows.server_version(conn) or 0
            encoding = await clock_rows.encoding(conn)
    finally:
        await pool.close()
    if version < OLDEST_POSTGRES:
        raise CannotStart(f"The database is PostgreSQL {version // 10000}: version 15 or later is needed.")
    if encoding != "UTF8":
        raise CannotStart(
            f"The database is kept in {encoding}, which has not every letter: make it anew in UTF-8 (CREATE DATABASE "
            "... TEMPLATE template0 ENCODING 'UTF8'), and name that in DATABASE_URL."
        )
    return version


async def check_database(dsn: str) -> None:
    """Raises CannotStart when the server or the schema will not do."""
    await check_server(dsn)
    if missing := await migrate.pending(dsn):
        raise CannotStart(f"The database lacks {len(missing)} migrations (from {missing[0]}): run `dispatch migrate`.")


@asynccontextmanager
async def open_services(settings: Settings, dsn: str, *, with_workers: bool = True) -> AsyncIterator[Services]:
    """Services on a migrated database; `with_workers` also runs the loops (timers, tracking, messages, money)."""
    await check_database(dsn)
    async with AsyncExitStack() as stack:
        pool = await create_pool(dsn, min_size=settings.database.pool_min, max_size=settings.database.pool_max)
        stack.push_async_callback(pool.close)
        bus: Bus = RedisBus(settings.redis_url) if settings.redis_url else LocalBus()
        stack.push_async_callback(bus.close)
        services = await assemble(settings, pool, bus)
        if settings.database.replica_url is not None:
            reports = await create_pool(
                settings.database.replica_url.get_secret_value(), min_size=0,
                max_size=settings.database.replica_pool_max, application_name="dispatch reports",
            )  # fmt: skip
            stack.push_async_callback(reports.close)
            services.replica = Replica(reports)
        stack.push_async_callback(opened.close, settings.payments)
        if with_workers:
            await _run_loops(services, stack)
        yield services


async def assemble(settings: Settings, pool: Pool, bus: Bus) -> Services:
    """Builds the container and fills its books; starts nothing."""
    clock, zones = await read_clock(pool), ZoneBook(pool, bus)
    tokens = Tokens(token_keys(settings), clock.real_s)
    roster = Roster(pool, bus, zones)
    devices = Devices(settings.dispatch.reports_per_s, settings.dispatch.reports_burst)
    tracker = Tracker(pool, bus, clock, roster, history_days=settings.dispatch.history_days, devices=devices)
    services = Services(
        settings=settings, clock=clock, pool=pool, bus=bus, tokens=tokens,
        sessions=Sessions(pool, tokens, vault_of(settings), bus, settings.tokens), zones=zones,
        roster=roster, tracker=tracker, open_gateway=opened.client_of,
        geocoder=geocoder(settings.geocoder.url, user_agent=settings.geocoder.user_agent),
        files=store_of(settings),
    )  # fmt: skip
    reactions_of(services)
    await set_by_staff.refresh(services)
    await zones.load()
    roster.on_change(tracker.know)
    tracker.restore(await roster.load(), clock.timestamp())
    await tracker.attach()
    services.freed.attach(bus, roster)
    return services


async def read_clock(pool: Pool) -> Clock:
    """The process's clock, from the row that app_now() reads, and by the clock that app_now() goes by."""
    async with pool.connection() as conn:
        row = await clock_rows.get(conn)
    assert row is not None
    clock = Clock(Reading(row.real_at, row.app_at, row.speed))
    await real_time.agree(pool, clock)
    return clock


async def set_clock(services: Services, reading: Reading) -> None:
    """Shifts or scales the domain's time, in the database and here. For the simulator and the tests only."""
    async with services.transaction() as tx:
        await clock_rows.set_reading(tx.conn, real_at=reading.real_at, app_at=reading.app_at, speed=reading.speed)
    services.clock.set(reading)


async def _run_loops(services: Services, stack: AsyncExitStack) -> None:
    stack.push_async_callback(services.tracker.flush)
    stack.push_async_callback(integration_usage.flush, services)
    for worker in workers_of(services):
        worker.start()
        stack.push_async_callback(worker.stop)
