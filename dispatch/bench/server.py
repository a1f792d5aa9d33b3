"""What an idle socket costs, and how long a booking's confirm takes until the technician has the offer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import aiohttp

from dispatch.bench.sockets import IdleSockets
from dispatch.client.client import CallFailed, Credentials, Rest
from dispatch.localtime import local
from dispatch.seeding.city import KOLKATA
from dispatch.simulation.report import percentile

#: An offer that has not come by then is not coming.
OFFER_S = 10.0
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


async def measure(
    url: str, pid: int, tokens: list[str], customers: list[str], bookings: int, progress: Progress
) -> ServerNumbers:
    """Measures a server that answers at `url` as process `pid`. Raises ConnectionError."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        sockets = IdleSockets(http, url)
        try:
            callers = [caller_of(http, url, n, token) for n, token in enumerate(customers)]
            # The first bookings warm the caches, and their memory is not the sockets'.
            services = await callers[0].call("GET", "/v1/services/catalog")
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
            times = await _book_all(callers, sockets, str(wanted["id"]), bookings, progress)
        finally:
            await sockets.close()
    offers, confirms = [t[0] for t in times], [t[1] for t in times]
    return ServerNumbers(
        len(tokens), each_kib, len(times), median(offers) * 1000, (percentile(offers, 0.95) or 0.0) * 1000,
        median(confirms) * 1000,
    )  # fmt: skip


def caller_of(http: aiohttp.ClientSession, url: str, number: int, token: str) -> Rest:
    async def renew() -> str:
        return token

    return Rest(http, url, Credentials(renew), f"10.8.{number >> 8}.{number & 255}")


async def _book_all(
    callers: list[Rest], sockets: IdleSockets, service_id: str, bookings: int, progress: Progress
) -> list[tuple[float, float]]:
    """(confirm sent to offer read, confirm sent to answer read) of every booking, in seconds."""
    times: list[tuple[float, float]] = []
    addresses = [(await caller.call("GET", "/v1/users/addresses"))[0] for caller in callers]
    for number in range(bookings):
        which = number % len(callers)
        found = await _book(callers[which], addresses[which]["id"], service_id, number, sockets)
        if found is not None:
            times.append(found)
        progress("booking", number + 1, bookings)
    if not times:
        raise ConnectionError("No booking led to an offer: nothing can be measured.")
    return times


async def _book(
    caller: Rest, address_id: str, service_id: str, number: int, sockets: IdleSockets
) -> tuple[float, float] | None:
    # The day after tomorrow: for a job so far ahead nobody needs a position.
    day = (local(_utc_now(), TIMEZONE) + timedelta(days=2 + number % 5)).date().isoformat()
    cart = {"service_ids": [service_id], "address_id": address_id, "booking_date": day}
    preview = await caller.call("POST", "/v1/checkout/prepare", cart)
    free = preview["available_time_slots"]
    body = {
        "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": address_id, "booking_date": day,
        "booking_time": free[number % len(free)], "customer_name": "A customer", "customer_phone": "+911234567890",
        "cancellation_policy_accepted": True,
    }  # fmt: skip
    sent = time.perf_counter()
    try:
        made = await caller.call("POST", "/v1/checkout/confirm", body)
    except CallFailed as e:
        if e.status == 409:
            return None
        raise
    answered = time.perf_counter()
    heard = await sockets.offered(str(made["booking"]["id"]), OFFER_S)
    return None if heard is None else (heard - sent, answered - sent)


def memory_kib(pid: int) -> float:
    """What the process has for itself alone, in KiB (Linux). Raises ConnectionError where that can't be read."""
    try:
        lines: Iterable[str] = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError as e:
        raise ConnectionError(f"The memory of process {pid} cannot be read: {e.strerror}.") from e
    return float(sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))))


def _utc_now() -> datetime:
    return datetime.now(UTC)
