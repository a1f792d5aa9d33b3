"""Bookings for the bench: one that is on its way, and the time from confirm until the technician has the offer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import aiohttp

from dispatch.bench.confirms import Rate
from dispatch.bench.figures import Figure
from dispatch.bench.processes import LOAD_CORE, SERVER_CORE, NotMeasurable, group_on_core, on_core
from dispatch.bench.server import TIMEZONE, Programs, caller_of, measure
from dispatch.bench.stage import Server, Stage
from dispatch.client.client import Rest
from dispatch.localtime import local
from storage.database.pool import create_pool

#: Looks at the booking until a technician is asked.
LOOKS, PAUSE_S = 100, 0.1
SOCKETS, BOOKINGS = 2_000, 100
#: They live all over the city: with fewer homes their bookings fill the days of whoever lives nearby, with more
#: hardly anybody who is asked has a socket.
CUSTOMERS = 50
#: Of the plain case, as the tests count them; each is a round trip, and so are BEGIN and COMMIT.
CONFIRM_STATEMENTS, ACCEPT_STATEMENTS, FLOOR_ROUNDS = 11, 8, 300
#: Few customers book for many.
OPEN = {"DISPATCH_LIMITS__BOOKING_CREATION_PER_HOUR": "1000000", "DISPATCH_LIMITS__CUSTOMER_PER_MINUTE": "1000000"}


def on_the_way(stage: Stage) -> Callable[[Server], tuple[str, str, int]]:
    """Makes bookings whose technician is on the way."""
    made = 0

    def one(server: Server) -> tuple[str, str, int]:
        nonlocal made
        made += 1
        return asyncio.run(_on_the_way(stage, server, made))

    return one


async def _on_the_way(stage: Stage, server: Server, number: int) -> tuple[str, str, int]:
    token = stage.people.customers[number % len(stage.people.customers)]
    async with aiohttp.ClientSession() as http:
        customer = caller_of(http, server.url, number, token)
        booking = str((await _book(customer, number))["booking"]["id"])
        service = caller_of(http, server.url, 1, stage.people.service)
        for _ in range(LOOKS):
            found = await service.call("GET", f"/v1/internal/bookings/{booking}/dispatch")
            asked = [one["partner_id"] for one in found["offers"] if one["state"] == "open"]
            if asked:
                break
            await asyncio.sleep(PAUSE_S)
        else:
            raise NotMeasurable("no technician was found for the booking that is to be watched")
        at = stage.people.technician_ids.index(asked[0])
        technician = caller_of(http, server.url, 2, stage.people.technicians[at][0])
        await technician.call("POST", f"/v1/partner/bookings/{booking}/accept", {})
        await technician.call("PATCH", f"/v1/partner/bookings/{booking}/status", {"status": "in_transit"})
    return booking, token, at


async def _book(customer: Rest, number: int) -> dict[str, Any]:
    address = (await customer.call("GET", "/v1/users/addresses"))[0]["id"]
    services = await customer.call("GET", "/v1/services/catalog")
    wanted = next(s for s in services["all_services"] if s["name"] == "Facial - Minimal")
    day = (local(datetime.now(UTC), TIMEZONE) + timedelta(days=1)).date().isoformat()
    cart = {"service_ids": [wanted["id"]], "address_id": address, "booking_date": day}
    preview = await customer.call("POST", "/v1/checkout/prepare", cart)
    free = preview["available_time_slots"]
    body = {
        "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": address, "booking_date": day,
        "booking_time": free[number % len(free)], "customer_name": "A customer", "customer_phone": "+911234567890",
        "cancellation_policy_accepted": True,
    }  # fmt: skip
    made: dict[str, Any] = await customer.call("POST", "/v1/checkout/confirm", body)
    return made


def confirm(stage: Stage) -> list[Figure]:
    """Confirm until the technician has the offer, and the customer the answer, with 2,000 idle sockets; and accepting.

    The sockets are those of the technicians who live nearest to the customers: they are who is asked. The database
    stands beside the load, so that the server has its core for itself.
    """

    def progress(what: str, done: int, total: int) -> None:
        if done == total:
            stage.say(what)

    programs = Programs.built(stage.folder)
    with stage.serve(OPEN) as server, group_on_core(server.database_pid, LOAD_CORE):
        found = asyncio.run(
            measure(
                server,
                stage.people.technicians,
                stage.few(SOCKETS),
                stage.people.customers[: stage.few(CUSTOMERS)],
                stage.few(BOOKINGS),
                stage.rounds,
                programs,
                progress,
            )  # fmt: skip
        )
        # Where the server stands, which has nothing to do any more.
        on_core(SERVER_CORE)()
        confirm_floor_ms = asyncio.run(_empty_ms(server.dsn, CONFIRM_STATEMENTS))
        accept_floor_ms = asyncio.run(_empty_ms(server.dsn, ACCEPT_STATEMENTS))
        on_core(LOAD_CORE)()
    city = f"{len(stage.people.technicians):,} technicians in the city"
    return [
        Figure("confirm", "to offer.made, p50", "ms", found.confirm_to_offer_p50_ms, wanted="<= 10 ms", note=city),
        Figure("confirm", "to offer.made, p95", "ms", found.confirm_to_offer_p95_ms),
        Figure("confirm", "to its answer, p50", "ms", found.confirm_p50_ms),
        Figure("confirm", "server CPU a confirm", "ms", found.confirm_server_ms, wanted="< 4 ms"),
        Figure("confirm", "PostgreSQL CPU a confirm", "ms", found.confirm_database_ms, wanted="< 4 ms"),
        Figure("confirm", f"its {CONFIRM_STATEMENTS} statements, empty, p50", "ms", confirm_floor_ms),
        Figure("confirm", "accept to its ack, p50", "ms", found.accept_p50_ms, wanted="<= 3 ms"),
        Figure("confirm", f"the {ACCEPT_STATEMENTS} statements of an accept, empty, p50", "ms", accept_floor_ms),
        *_rates("confirms with an offer, some at a time", found.rate, ">= 250/s", city),
        *_rates("the same, each accepted at once", found.accepted_rate, "", city),
    ]


def _rates(what: str, found: Rate, wanted: str, note: str) -> list[Figure]:
    return [
        Figure("confirm", what, "/s", found.per_s, is_rate=True, wanted=wanted, note=note),
        Figure("confirm", f"{what}: server CPU each", "ms", found.server_ms),
        Figure("confirm", f"{what}: PostgreSQL CPU each", "ms", found.database_ms),
    ]


async def _empty_ms(dsn: str, statements: int) -> float:
    """The median time of a transaction of so many statements that do nothing, and one that makes the commit durable."""
    pool = await create_pool(dsn, min_size=1, max_size=1, application_name="dispatch bench")
    times = []
    try:
        for _ in range(FLOOR_ROUNDS):
            began = time.perf_counter()
            async with pool.transaction() as conn:
                for _ in range(statements - 1):
                    await conn.fetchval("SELECT 1")
                await conn.fetchval("SELECT pg_logical_emit_message(true, 'bench', '')")
            times.append(time.perf_counter() - began)
    finally:
        await pool.close()
    return median(times) * 1000
