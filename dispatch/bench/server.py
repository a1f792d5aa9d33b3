"""What an idle socket costs, and how long a booking's confirm takes until the technician has the offer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from dispatch.bench.sockets import IdleSockets
from dispatch.bench.stage import Server
from dispatch.client.client import CallFailed, Credentials, Rest
from dispatch.localtime import local
from dispatch.seeding.city import KOLKATA
from dispatch.simulation.report import percentile
from geo.geodesy import haversine_m

#: An offer that has not come by then is not coming.
OFFER_S = 3.0
#: So many bookings come before the first that is measured: plans are made, pages and people are in memory.
WARM = 20
#: Bookings are spread over so many days.
DAYS = 14
#: How many are confirmed at a time where their rate is measured.
AT_ONCE = 8
#: Before memory is read, garbage of the connecting has this long to go.
REST_S = 2.0
TIMEZONE = KOLKATA[0].timezone

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ServerNumbers:
    """`socket_kib` is what one idle, signed-in socket adds to the server's memory."""

    sockets: int
    socket_kib: float
    bookings: int
    confirm_to_offer_p50_ms: float
    confirm_to_offer_p95_ms: float
    confirm_p50_ms: float
    #: CPU of a confirm until its offer has arrived: of the server, and of its database.
    confirm_server_ms: float
    confirm_database_ms: float
    accept_p50_ms: float
    #: With some at a time, and each made its offer.
    confirms_per_s: float


async def measure(
    server: Server, technicians: Sequence[tuple[str, float, float]], sockets_wanted: int, customers: list[str],
    bookings: int, progress: Progress,
) -> ServerNumbers:  # fmt: skip
    """Measures a server that answers, with sockets of those technicians (token, lat, lng) who are nearest to the
    customers. Raises ConnectionError.
    """
    url, pid = server.url, server.pid
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        sockets = IdleSockets(http, url)
        try:
            callers = [caller_of(http, url, n, token) for n, token in enumerate(customers)]
            # The first bookings warm the caches, and their memory is not the sockets'.
            services = await callers[0].call("GET", "/v1/services/catalog")
            homes = [(await caller.call("GET", "/v1/users/addresses"))[0] for caller in callers]
            tokens = _nearest(technicians, homes, sockets_wanted)
            done = 0

            def opened(count: int) -> None:
                nonlocal done
                done += count
                progress("connecting sockets", done, len(tokens))

            await sockets.open(tokens[:10], opened)
            await asyncio.sleep(REST_S)
            before = memory_kib(pid)
            await sockets.open(tokens[10:], opened)
            await asyncio.sleep(REST_S)
            each_kib = (memory_kib(pid) - before) / max(1, len(tokens) - 10)
            wanted = next(s for s in services["all_services"] if s["name"] == "Facial - Minimal")
            addresses = [str(home["id"]) for home in homes]
            times = await _book_all(server, callers, addresses, sockets, str(wanted["id"]), bookings, progress)
        finally:
            await sockets.close()
    offers, confirms = times.offers_s, times.confirms_s
    return ServerNumbers(
        len(tokens), each_kib, len(offers), median(offers) * 1000, (percentile(offers, 0.95) or 0.0) * 1000,
        median(confirms) * 1000, times.server_s / len(confirms) * 1000, times.database_s / len(confirms) * 1000,
        median(times.accepts_s) * 1000, times.per_s,
    )  # fmt: skip


def caller_of(http: aiohttp.ClientSession, url: str, number: int, token: str) -> Rest:
    async def renew() -> str:
        return token

    return Rest(http, url, Credentials(renew), f"10.8.{number >> 8}.{number & 255}")


def _nearest(technicians: Sequence[tuple[str, float, float]], homes: list[dict[str, Any]], wanted: int) -> list[str]:
    """Tokens of so many technicians who are near one of these homes."""

    def off(person: tuple[str, float, float]) -> float:
        return min(haversine_m(person[1], person[2], home["lat"], home["lng"]) for home in homes)

    return [person[0] for person in sorted(technicians, key=off)[:wanted]]


@dataclass(frozen=True, slots=True)
class Times:
    """From a confirm to the offer and to the answer, from an acceptance to its acknowledgement; CPU of all confirms;
    and how many a second there are, with some at a time.
    """

    offers_s: list[float]
    confirms_s: list[float]
    accepts_s: list[float]
    server_s: float
    database_s: float
    per_s: float


async def _book_all(
    server: Server, callers: list[Rest], addresses: list[str], sockets: IdleSockets, service_id: str, bookings: int,
    progress: Progress,
) -> Times:  # fmt: skip
    """First all are prepared, then confirmed one after the other, then accepted; as many once more, some at a time."""
    wishes = []
    for number in range(WARM + 2 * bookings):
        which = number % len(callers)
        wishes.append((callers[which], await _prepared(callers[which], addresses[which], service_id, number)))
        progress("preparing", number + 1, WARM + 2 * bookings)
    for caller, wish in wishes[:WARM]:
        await _confirmed(caller, wish, sockets)
    made, before = [], server.spent_s()
    for number, (caller, wish) in enumerate(wishes[WARM : WARM + bookings]):
        found = await _confirmed(caller, wish, sockets)
        made += [found] if found is not None else []
        progress("confirming", number + 1, bookings)
    after = server.spent_s()
    if not made:
        raise ConnectionError("No booking led to an offer: nothing can be measured.")
    accepts = [await sockets.accept(booking, OFFER_S) for booking, _, _ in made]
    per_s = await _rate(wishes[WARM + bookings :])
    offers, confirms = [m[1] for m in made], [m[2] for m in made]
    return Times(offers, confirms, accepts, after[0] - before[0], after[1] - before[1], per_s)


async def _rate(wishes: list[tuple[Rest, dict[str, Any]]]) -> float:
    """Confirms a second of which each made an offer, by so many callers at once."""
    left, made = list(wishes), 0

    async def caller() -> None:
        nonlocal made
        while left:
            who, wish = left.pop()
            booking = await _booked(who, wish)
            made += booking is not None and booking["status"] == "partner_assigned"

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return made / (time.perf_counter() - began)


async def _prepared(caller: Rest, address_id: str, service_id: str, number: int) -> dict[str, Any]:
    """What is to be confirmed."""
    # The day after tomorrow or later: for a job so far ahead nobody needs a position.
    day = (local(_utc_now(), TIMEZONE) + timedelta(days=2 + number % DAYS)).date().isoformat()
    cart = {"service_ids": [service_id], "address_id": address_id, "booking_date": day}
    preview = await caller.call("POST", "/v1/checkout/prepare", cart)
    free = preview["available_time_slots"]
    return {
        "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": address_id, "booking_date": day,
        "booking_time": free[number % len(free)], "customer_name": "A customer", "customer_phone": "+911234567890",
        "cancellation_policy_accepted": True,
    }  # fmt: skip


async def _confirmed(caller: Rest, wish: dict[str, Any], sockets: IdleSockets) -> tuple[str, float, float] | None:
    """(booking, confirm sent to offer read, confirm sent to answer read), in seconds; None: the time was taken."""
    sent = time.perf_counter()
    booking = await _booked(caller, wish)
    if booking is None:
        return None
    answered = time.perf_counter()
    heard = await sockets.offered(str(booking["id"]), OFFER_S)
    return None if heard is None else (str(booking["id"]), heard - sent, answered - sent)


async def _booked(caller: Rest, wish: dict[str, Any]) -> dict[str, Any] | None:
    """The booking of a confirm; None: the time was taken."""
    try:
        made: dict[str, Any] = await caller.call("POST", "/v1/checkout/confirm", wish)
    except CallFailed as e:
        if e.status == 409:
            return None
        raise
    found: dict[str, Any] = made["booking"]
    return found


def memory_kib(pid: int) -> float:
    """What the process has for itself alone, in KiB (Linux). Raises ConnectionError where that can't be read."""
    try:
        lines: Iterable[str] = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError as e:
        raise ConnectionError(f"The memory of process {pid} cannot be read: {e.strerror}.") from e
    return float(sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))))


def _utc_now() -> datetime:
    return datetime.now(UTC)
