"""Two nodes on one database, told of each other's doings by a real Redis, and without it when it is gone."""

from __future__ import annotations

import asyncio
import uuid
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from api.app import create_app
from dispatch.clock import Reading
from dispatch.engine import catalogue
from dispatch.process import runtime
from tests.api.live import Live, Person, live_server, until
from tests.api.test_story import book, fix, make_everybody_a_beautician
from tests.world import test_settings

Nodes = tuple[Live, Live]


@asynccontextmanager
async def second_node(dsn: str, folder: Path, redis_url: str) -> AsyncIterator[Live]:
    async with runtime.open_services(test_settings(folder, redis_url=redis_url), dsn) as services:
        server = TestServer(create_app(services))
        await server.start_server()
        async with ClientSession() as http:
            node = Live(services, server, http)
            yield node
            for person in node.people:
                await person.close()
        await server.close()


@pytest.fixture
async def nodes(fresh_dsn: str, tmp_path: Path, redis_server: tuple[str, Process]) -> AsyncIterator[Nodes]:
    url, _ = redis_server
    async with (
        live_server(fresh_dsn, tmp_path, technicians=2, customers=1, redis_url=url) as first,
        second_node(fresh_dsn, tmp_path, url) as second,
    ):
        yield first, second


async def clocks(nodes: Nodes, **by: float) -> None:
    """Moves the time of both nodes and of their database."""
    reading: Reading = nodes[0].services.clock.shifted(timedelta(**by))
    for node in nodes:
        await runtime.set_clock(node.services, reading)


def at(node: Live, person: Person) -> Person:
    """The same person at the other node."""
    made = replace(person, live=node, sio=None, heard=[])
    node.people.append(made)
    return made


def command() -> str:
    return str(uuid.uuid4())


async def everybody_at(nodes: Nodes) -> tuple[float, float]:
    place = await make_everybody_a_beautician(nodes[0])
    await nodes[0].services.tracker.flush()
    await nodes[1].services.roster.refresh()
    return place


async def test_one_job_across_two_nodes(nodes: Nodes) -> None:
    here, there = nodes
    place = await everybody_at(nodes)
    customer = await here.person("customer", "+911000100001")
    technician = await there.person("technician", "PT-001")
    await customer.connect()
    await technician.connect()
    await technician.ask("location.report", {"fixes": [fix(there, *place)]})
    # The position was reported there and is matched here.
    await until(lambda: len(here.services.tracker.fleet) == 1, "the other node hears of the position")
    booking = await book(customer, place)
    assert booking["status"] == "partner_assigned"
    offer = await technician.hears("offer.made", booking_id=booking["id"])

    # Accepted on both nodes at once, by two devices of one person and a rival: one winner, one answer.
    rival = await here.person("technician", "PT-002")
    twin = at(here, technician)
    await twin.connect()
    await rival.connect()
    body = {"offer_id": offer["offer_id"]}
    answers = await asyncio.gather(
        *(p.ask("offer.accept", {"command_id": command(), **body}) for p in (technician, twin, rival)),
        twin.call("POST", f"/v1/partner/bookings/{booking['id']}/accept"),
        technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept"),
    )
    assert answers[0] == answers[1] and answers[0]["data"]["status"] == "confirmed"
    assert answers[2]["error"]["code"] == "not_found"
    assert answers[3] == answers[4] and answers[3]["data"]["status"] == "confirmed"
    assert await here.value("SELECT count(*) FROM assignments") == 1
    for person in (technician, twin):
        await person.hears("offer.closed", state="accepted")
    await customer.hears("booking.updated", event="booking.confirmed")

    # Driven there, watched here.
    await customer.ask("track.start", {"booking_id": booking["id"]})
    await technician.ask("job.advance", {"command_id": command(), "booking_id": booking["id"], "step": "in_transit"})
    await customer.hears("booking.updated", event="partner.in_transit")
    await until(
        lambda: [j.state for j in here.services.tracker.arrivals.of_technician(person_id(here))] == ["in_transit"],
        "the job is known here",
    )
    await clocks(nodes, seconds=10)
    await technician.ask("location.report", {"fixes": [fix(there, place[0] + 0.001, place[1])]})
    moved = await customer.hears("technician.moved", booking_id=booking["id"])
    assert moved["lat"] == pytest.approx(place[0] + 0.001)
    seqs = [d["seq"] for e, d in customer.heard if e == "booking.updated"]
    assert seqs == list(range(1, len(seqs) + 1))


def person_id(node: Live) -> Any:
    return next(t.id for t in node.services.roster if t.code == "PT-001")


async def test_an_acceptance_there_against_a_cancellation_here(nodes: Nodes) -> None:
    here, there = nodes
    place = await everybody_at(nodes)
    customer = await here.person("customer", "+911000100001")
    technician = await there.person("technician", "PT-001")
    await technician.call(
        "PATCH", "/v1/partner/availability", {"is_available": True, "current_lat": place[0], "current_lng": place[1]}
    )
    await until(lambda: len(here.services.tracker.fleet) == 1, "the other node hears of the position")
    booking = await book(customer, place)
    accepted, cancelled = await asyncio.gather(
        technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept", expect=None),
        customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "changed my mind"}, expect=None),
    )
    # A cancellation is legal before and after the acceptance; the acceptance only before it.
    assert cancelled["success"] is True
    assert accepted["success"] is True or accepted["error"]["code"] == "OFFER_WITHDRAWN"
    assert await here.value("SELECT status FROM bookings") == "cancelled"
    assert await here.value("SELECT count(*) FROM assignments WHERE state <> 'cancelled'") == 0
    assert await here.value("SELECT count(*) FROM slots") == 0


async def test_signing_out_here_cuts_the_socket_there(nodes: Nodes) -> None:
    here, there = nodes
    customer = await there.person("customer", "+911000100001")
    await customer.connect()
    await at(here, customer).call("POST", "/v1/auth/logout", {})
    assert customer.sio is not None
    sio = customer.sio
    await until(lambda: not sio.connected, "the other node cuts it", seconds=4)


async def test_without_redis_nobody_sells_for_long_what_was_taken_out(
    nodes: Nodes, redis_server: tuple[str, Process]
) -> None:
    """The catalogue is kept for an hour where hints tell of its changes: without them it is read every few seconds."""
    here, there = nodes
    currency = there.services.settings.currency
    service_id = (await catalogue.current(there.services)).offered(currency)[0].id
    redis_server[1].kill()
    await redis_server[1].wait()
    async with here.services.transaction() as tx:
        await catalogue.retire_service(tx, service_id)
    async with asyncio.timeout(20):
        while (await catalogue.current(there.services)).find(service_id, currency) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_without_redis_nothing_is_lost(nodes: Nodes, redis_server: tuple[str, Process]) -> None:
    here, there = nodes
    place = await everybody_at(nodes)
    customer = await here.person("customer", "+911000100001")
    technician = await there.person("technician", "PT-001")
    await customer.connect()
    await technician.connect()
    await technician.ask("location.report", {"fixes": [fix(there, *place)]})
    await until(lambda: len(here.services.tracker.fleet) == 1, "the other node hears of the position")
    redis_server[1].kill()
    await redis_server[1].wait()
    booking = await book(customer, place)
    # No hint crosses any more: the nodes find what happened by looking.
    offer = await technician.hears("offer.made", booking_id=booking["id"])
    await technician.ask("offer.accept", {"command_id": command(), "offer_id": offer["offer_id"]})
    await customer.hears("booking.updated", event="booking.confirmed")
    await technician.ask("job.advance", {"command_id": command(), "booking_id": booking["id"], "step": "in_transit"})
    await customer.hears("booking.updated", event="partner.in_transit")
    seqs = [d["seq"] for e, d in customer.heard if e == "booking.updated"]
    assert seqs == list(range(1, len(seqs) + 1))
    await until(
        lambda: [j.state for j in here.services.tracker.arrivals.of_technician(person_id(here))] == ["in_transit"],
        "the job's state is found by looking",
    )
