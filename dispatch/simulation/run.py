"""Runs simulated people against a server that answers at a URL, on the database that it uses."""

from __future__ import annotations

import asyncio
import time as real_time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, time, timedelta
from uuid import UUID

import aiohttp

from dispatch.clock import Clock, Reading
from dispatch.localtime import local, to_utc
from dispatch.loops import end
from dispatch.process.runtime import set_clock
from dispatch.seeding import history
from dispatch.seeding.past import stand_at
from dispatch.seeding.seed import CUSTOMER_PHONE, TECHNICIAN_PHONE, Seeded
from dispatch.seeding.seed import seed as fill
from dispatch.services import Services
from dispatch.simulation import world as worlds
from dispatch.simulation.customers import ENDED, Customer
from dispatch.simulation.news import tell
from dispatch.simulation.report import Report, percentile
from dispatch.simulation.scene import STOP_S, Scene, SimulationOptions
from dispatch.simulation.technicians import Technician
from dispatch.simulation.world import World
from storage.tools import simulation as rows
from storage.tools.simulation import BookingEnd

#: A city that has just been made wakes up at this time of its own clock.
MORNING = time(8, 5)
#: The clock of a database that nobody has shifted yet differs from real time by less than this.
UNTOUCHED_S = 60.0
#: Facts that are on their way when everything has ended get so long, in real seconds.
SETTLE_S, SETTLE_LOOK_S = 15.0, 0.1
#: The server may take so long to answer at all, in real seconds.
ANSWERS_S = 30.0


class HalfPast(ValueError):
    """The clock stands still in the middle of a past."""


#: Lives through what was before this moment, with those who were seeded; the clock stands where it begins.
Past = Callable[[Seeded, datetime], Awaitable[None]]


def world_of(options: SimulationOptions) -> World:
    """Raises NoTrips for a file without a usable one."""
    if options.traces is None:
        return worlds.generated(options.seed)
    return worlds.from_traces(options.traces, timezone=options.timezone, currency=options.currency)


async def has_room_for_past(services: Services) -> bool:
    """Whether nobody has booked yet and nobody has moved the clock."""
    return _is_fresh(services.clock) and await history.is_untouched(services)


def _is_fresh(clock: Clock) -> bool:
    return clock.speed == 1.0 and abs(clock.timestamp() - real_time.time()) < UNTOUCHED_S


async def prepare(services: Services, options: SimulationOptions, past: Past | None = None) -> World:
    """Seeds the world's zones and people and sets the clock; to be done before the server reads them.

    Where there is room and a `past` is given, they live through it first. One that is interrupted leaves a clock that
    stands still weeks ago: whoever gives a past gives a draft of the database with it.

    A database that has its own time keeps it and only changes the speed: what is due stays due. A fresh one
    starts in the morning. Raises NoTrips, HalfPast.
    """
    world, clock = world_of(options), services.clock
    if clock.speed == 0:
        raise HalfPast("An earlier version left the past of this data half made: remove it, or use another --data.")
    is_fresh, morning = _is_fresh(clock), _morning(services, world)
    if past is not None and await has_room_for_past(services):
        await stand_at(services, history.beginning(morning))
        await past(await _seed(services, options, world, with_record=False), morning)
    else:
        await _seed(services, options, world)
    if is_fresh:
        # A past may take minutes: now is later than when it began.
        now = real_time.time()
        await set_clock(services, Reading(now, max(now, morning.timestamp()), options.speed))
    elif clock.speed != options.speed:
        await set_clock(services, clock.scaled(options.speed))
    return world


async def _seed(services: Services, options: SimulationOptions, world: World, *, with_record: bool = True) -> Seeded:
    return await fill(
        services, technicians=options.technicians, customers=options.customers, seed=options.seed, areas=world.areas,
        with_record=with_record,
    )  # fmt: skip


def _morning(services: Services, world: World) -> datetime:
    """The present time where the world is awake, else its next morning: time never goes back."""
    now = services.clock.now()
    here = local(now, world.timezone)
    if MORNING <= here.time() < time(13):
        return now
    day = here.date() if here.time() < MORNING else here.date() + timedelta(days=1)
    return to_utc(day, MORNING, world.timezone)


async def run(
    services: Services, url: str, options: SimulationOptions, progress: Callable[[str], None] | None = None
) -> Report:
    """Lets everybody live until the bookings have ended (or the time is over), then counts.

    `services` are without loops, on the server's database; its clock is read there. Cancelling stops everybody.
    `progress` is told a line about every second.
    """
    world = world_of(options)
    seeded = await _seed(services, options, world)
    async with _scene(services, url, world, options) as scene:
        await _answers(scene)
        started_s = services.clock.timestamp()
        technicians = [
            Technician(scene, n, TECHNICIAN_PHONE.format(n), str(one)) for n, one in enumerate(seeded.technician_ids, 1)
        ]
        gateway_url = _gateway_of(services)
        customers = [
            Customer(scene, n, CUSTOMER_PHONE.format(n), str(one), gateway_url)
            for n, one in enumerate(seeded.customer_ids, 1)
        ]
        working = [asyncio.create_task(t.run()) for t in technicians]
        people = [*technicians, *customers]
        telling = progress and asyncio.create_task(tell(scene, people, services.clock.now(), progress))
        try:
            await _all_ready(technicians, working)
            await _live(scene, customers)
            simulated_s = services.clock.timestamp() - started_s
            missed = await _settle(scene, technicians, customers)
            waiting = await _left_waiting(scene)
        finally:
            if telling is not None:
                telling.cancel()
            await end(working, again_s=STOP_S)
            ended = await asyncio.gather(*working, return_exceptions=True)
            await asyncio.gather(*(c.close() for c in customers))
        for error in ended:
            if isinstance(error, Exception):
                scene.tally.wrong("a technician", error)
        return await _report(scene, technicians, customers, simulated_s, missed, waiting)


@asynccontextmanager
async def _scene(services: Services, url: str, world: World, options: SimulationOptions) -> AsyncIterator[Scene]:
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield Scene(services, url.rstrip("/"), http, world, options)


def _gateway_of(services: Services) -> str | None:
    """Where people pay: only a local gateway takes what simulated people pay with."""
    payments = services.settings.payments
    is_local = any(host in payments.base_url for host in ("//127.0.0.1", "//localhost", "//[::1]"))
    return payments.base_url if payments.is_configured and is_local else None


async def _answers(scene: Scene) -> None:
    """Waits until the server answers. Raises ConnectionError."""
    for _ in range(int(ANSWERS_S / 0.25)):
        with suppress(aiohttp.ClientError):
            async with scene.http.get(f"{scene.url}/healthz") as reply:
                if reply.status == 200:
                    return
        await asyncio.sleep(0.25)
    raise ConnectionError(f"Nothing answers at {scene.url}: start a server, or leave --url away.")


async def _all_ready(technicians: Sequence[Technician], working: Sequence[asyncio.Task[None]]) -> None:
    """Everybody is connected before the first booking is made."""
    for technician, task in zip(technicians, working, strict=True):
        ready = asyncio.create_task(technician.live.ready())
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()


async def _live(scene: Scene, customers: Sequence[Customer]) -> None:
    living = [asyncio.create_task(c.run()) for c in customers]
    try:
        limit_s = scene.options.duration_s
        timeout = None if limit_s is None else limit_s / scene.clock.speed
        if living:
            await asyncio.wait(living, timeout=timeout)
        elif timeout is not None:
            await asyncio.sleep(timeout)
        if scene.options.is_endless and limit_s is None and not living:
            await asyncio.Event().wait()
    finally:
        scene.stopping.set()
        await end(living, again_s=STOP_S)
        for customer, result in zip(customers, await asyncio.gather(*living, return_exceptions=True), strict=True):
            if isinstance(result, Exception):
                scene.tally.wrong(customer.name, result)


# ---------------------------------------------------------------- counting


async def _heads(scene: Scene, technicians: Sequence[Technician]) -> tuple[dict[str, BookingEnd], dict[str, int]]:
    booking_ids = [UUID(one) for one in scene.tally.booked]
    async with scene.services.read() as conn:
        bookings = {str(b.id): b for b in await rows.bookings(conn, ids=booking_ids)}
        heads = await rows.technician_heads(conn, ids=[UUID(t.own_id) for t in technicians])
    return bookings, {str(h.id): h.seq for h in heads}


async def _settle(scene: Scene, technicians: Sequence[Technician], customers: Sequence[Customer]) -> int:
    """Waits until every fact in the database has been told, at most SETTLE_S. Answers how many were missed."""
    end = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        bookings, heads = await _heads(scene, technicians)
        missed = sum(t.live.streams.missing(t.own_id, heads.get(t.own_id, 0)) for t in technicians)
        for booked in scene.tally.booked.values():
            streams = customers[booked.customer - 1].live.streams
            missed += streams.missing(booked.id, bookings[booked.id].event_seq)
        if missed == 0 or asyncio.get_running_loop().time() > end:
            return missed
        await asyncio.sleep(SETTLE_LOOK_S)


async def _left_waiting(scene: Scene) -> list[str]:
    """Who waits although somebody fitting is free, after a moment for what is just being told; see the statement."""
    settings = scene.services.settings.dispatch
    end = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        async with scene.services.read() as conn:
            found = await rows.left_waiting(
                conn, ids=[UUID(one) for one in scene.tally.booked], live_horizon_s=settings.live_horizon_s,
                fresh_fix_s=settings.fresh_fix_s, places=settings.open_offers,
            )  # fmt: skip
        if not found or asyncio.get_running_loop().time() > end:
            return [one.number for one in found]
        await asyncio.sleep(SETTLE_LOOK_S)


async def _report(
    scene: Scene,
    technicians: Sequence[Technician],
    customers: Sequence[Customer],
    simulated_s: float,
    missed: int,
    waiting: list[str],
) -> Report:
    bookings, _ = await _heads(scene, technicians)
    async with scene.services.read() as conn:
        offers = {o.state: o.count for o in await rows.offers(conn, ids=[UUID(b) for b in bookings])}
    assigned = [b.assigned_after_s for b in bookings.values() if b.assigned_after_s is not None]
    ends = Counter(
        b.status if b.status in ENDED else f"open ({'queued' if b.is_queued else b.status})" for b in bookings.values()
    )
    tally, sockets = scene.tally, [p.live for p in (*technicians, *customers)]
    return Report(
        technicians=len(technicians), customers=len(customers), seed=scene.options.seed, speed=scene.clock.speed,
        simulated_s=simulated_s, trips=len(scene.world.trips), bad_rows=scene.world.bad_rows or {},
        reports_sent=tally.reports, reports_lost=tally.lost_reports, pings_sent=tally.pings,
        pings_admitted=tally.admitted, pings_refreshed=tally.refreshed, pings_dropped=dict(tally.dropped),
        offers_made=sum(offers.values()), offers=offers, assign_p50_s=percentile(assigned, 0.5),
        assign_p95_s=percentile(assigned, 0.95), arrivals_detected=tally.arrivals_detected,
        arrivals_by_hand=tally.arrivals_by_hand, positions_seen=tally.moves_seen, bookings=dict(ends),
        turned_away=dict(tally.turned_away), paid_online=tally.paid, rated=tally.rated,
        facts_told=sum(s.streams.told for s in sockets),
        missed_events=missed, left_waiting=waiting, gaps_repaired=sum(s.streams.gaps for s in sockets),
        repeated_events=sum(s.streams.repeated for s in sockets), resets=sum(s.resets for s in sockets),
        reconnects=sum(max(0, s.connections - 1) for s in sockets), errors=tally.errors,
        error_words=tally.error_words,
    )  # fmt: skip
