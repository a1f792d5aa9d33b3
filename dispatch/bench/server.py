"""How long a booking's confirm takes until the technician has the offer, and how many a server takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from dispatch.bench.confirms import Rate, median_of, rate, request_of
from dispatch.bench.load import Load, build
from dispatch.bench.load import generator as load_generator
from dispatch.bench.rest import NATIVE
from dispatch.bench.sockets import IdleSockets
from dispatch.bench.stage import Server
from dispatch.client.client import CallFailed, Credentials, Rest
from dispatch.localtime import local
from dispatch.seeding.city import KOLKATA
from dispatch.simulation.report import percentile
from geo.geodesy import haversine_m

#: An offer that has not come by then is not coming.
OFFER_S = 3.0
#: Bookings are spread over so many days.
DAYS = 14
#: As many times as many are confirmed before any is measured: every connection has its plans by then, as in a server
#: that has run for a while.
WARM = 3
#: What connecting leaves behind has this long to go.
REST_S = 2.0
TIMEZONE = KOLKATA[0].timezone

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """The compiled generators: of confirms, and of technicians who listen. Raises NotMeasurable without a compiler."""

    folder: Path
    confirms: Path
    listeners: Path

    @classmethod
    def built(cls, folder: Path) -> Programs:
        return cls(folder, build(folder, NATIVE / "http.c"), build(folder))

    @contextmanager
    def listening(self, server: Server, technicians: Sequence[tuple[str, float, float]]) -> Iterator[Load]:
        """These technicians (token, lat, lng), connected."""
        people = self.folder / "listening"
        people.write_text("".join(f"{token} {lat} {lng}\n" for token, lat, lng in technicians))
        with load_generator(self.listeners, server.port, people) as load:
            load.do("open", "t", 0, len(technicians), 64)
            yield load


@dataclass(frozen=True, slots=True)
class ServerNumbers:
    """What a booking waits for, alone and among others."""

    bookings: int
    confirm_to_offer_p50_ms: float
    confirm_to_offer_p95_ms: float
    confirm_p50_ms: float
    #: CPU of a confirm until its offer has arrived: of the server, and of its database.
    confirm_server_ms: float
    confirm_database_ms: float
    accept_p50_ms: float
    #: With some at a time, and each made its offer: while nobody answers, and while all are accepted at once.
    rate: Rate
    accepted_rate: Rate


async def measure(
    server: Server, technicians: Sequence[tuple[str, float, float]], sockets_wanted: int, customers: list[str],
    bookings: int, rounds: int, programs: Programs, progress: Progress,
) -> ServerNumbers:  # fmt: skip
    """Measures a server that answers, with sockets of those technicians (token, lat, lng) who are nearest to the
    customers; of several rounds the medians count. Raises ConnectionError.
    """
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        callers = [caller_of(http, server.url, n, token) for n, token in enumerate(customers)]
        services = await callers[0].call("GET", "/v1/services/catalog")
        homes = [(await caller.call("GET", "/v1/users/addresses"))[0] for caller in callers]
        nearest = _nearest(technicians, homes, sockets_wanted)
        wanted = next(s for s in services["all_services"] if s["name"] == "Facial - Minimal")
        book = _Book(server, callers, customers, [str(home["id"]) for home in homes], str(wanted["id"]))
        alone, accepted = [], []
        # First by programs that cost hardly anything: who confirms and who listens share their core with the database.
        with programs.listening(server, nearest) as listening:
            await book.rate(programs.confirms, listening, WARM * bookings)
            for _ in range(rounds):
                alone.append(await book.rate(programs.confirms, listening, 2 * bookings))
                accepted.append(await book.rate(programs.confirms, listening, 2 * bookings, are_accepted=True))
        times, sockets = Times([], [], [], 0.0, 0.0), IdleSockets(http, server.url)
        done = 0

        def opened(count: int) -> None:
            nonlocal done
            done += count
            progress("connecting sockets", done, len(nearest))

        try:
            await sockets.open([token for token, _, _ in nearest], opened)
            await asyncio.sleep(REST_S)
            for _ in range(rounds):
                await book.one_by_one(sockets, bookings, times, progress)
        finally:
            await sockets.close()
    offers, confirms = times.offers_s, times.confirms_s
    return ServerNumbers(
        len(offers), median(offers) * 1000, (percentile(offers, 0.95) or 0.0) * 1000,
        median(confirms) * 1000, times.server_s / len(confirms) * 1000, times.database_s / len(confirms) * 1000,
        median(times.accepts_s) * 1000, median_of(alone), median_of(accepted),
    )  # fmt: skip


def caller_of(http: aiohttp.ClientSession, url: str, number: int, token: str) -> Rest:
    async def renew() -> str:
        return token

    return Rest(http, url, Credentials(renew), address_of(number))


def address_of(number: int) -> str:
    """What the trusted proxy names as the address of a customer."""
    return f"10.8.{number >> 8}.{number & 255}"


def _nearest(
    technicians: Sequence[tuple[str, float, float]], homes: list[dict[str, Any]], wanted: int
) -> list[tuple[str, float, float]]:
    """So many technicians who are near one of these homes."""

    def off(person: tuple[str, float, float]) -> float:
        return min(haversine_m(person[1], person[2], home["lat"], home["lng"]) for home in homes)

    return sorted(technicians, key=off)[:wanted]


@dataclass(slots=True)
class Times:
    """From a confirm to the offer and to the answer, from an acceptance to its acknowledgement; CPU of all confirms."""

    offers_s: list[float]
    confirms_s: list[float]
    accepts_s: list[float]
    server_s: float
    database_s: float


@dataclass(slots=True)
class _Book:
    """Customers in turn, each with an address, and what they book."""

    server: Server
    callers: list[Rest]
    tokens: list[str]
    addresses: list[str]
    service_id: str
    _prepared: int = 0

    async def _next(self) -> tuple[int, dict[str, Any]]:
        """Whose turn it is, and what is to be confirmed."""
        number, who = self._prepared, self._prepared % len(self.callers)
        self._prepared += 1
        return who, await _prepared(self.callers[who], self.addresses[who], self.service_id, number)

    async def one_by_one(self, sockets: IdleSockets, bookings: int, times: Times, progress: Progress) -> None:
        """First all are prepared, then confirmed one after the other, then accepted; `times` gets what they took."""
        wishes = []
        for number in range(bookings):
            wishes.append(await self._next())
            progress("preparing", number + 1, bookings)
        made = []
        for number, (who, wish) in enumerate(wishes):
            before = self.server.spent_s()
            found = await _confirmed(self.callers[who], wish, sockets)
            if found is not None:
                # Not those whose offer went to nobody with a socket: what was waited for it is another's time.
                after = self.server.spent_s()
                made.append(found)
                times.server_s += after[0] - before[0]
                times.database_s += after[1] - before[1]
            progress("confirming", number + 1, bookings)
        if not made:
            raise ConnectionError("No booking led to an offer: nothing can be measured.")
        times.accepts_s += [await sockets.accept(booking, OFFER_S) for booking, _, _ in made]
        times.offers_s += [m[1] for m in made]
        times.confirms_s += [m[2] for m in made]

    async def rate(
        self, generator: Path, technicians: Load, bookings: int, *, are_accepted: bool = False
    ) -> Rate:
        """So many more, some at a time, while these technicians listen."""
        wishes = [await self._next() for _ in range(bookings)]
        requests = [request_of(wish, self.tokens[who], address_of(who)) for who, wish in wishes]
        return await rate(generator, self.server, requests, technicians, are_accepted=are_accepted)


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


def _utc_now() -> datetime:
    return datetime.now(UTC)
