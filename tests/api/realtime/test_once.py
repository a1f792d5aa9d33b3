"""A command takes effect once, and what answering an offer costs."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.auth.principals import Technician
from api.realtime import technician
from api.realtime.commands import Call
from api.realtime.events import OfferAccept, OfferReject
from api.realtime.guard import Grant
from api.realtime.once import CommandReused, once
from api.technician import bookings as endpoints
from dispatch.engine.offers import OfferExpired
from tests.dispatch.engine.test_offers import deadlocks
from tests.statements import counted
from tests.world import World


def call_of(who: UUID, event: str, body: Any, command_id: UUID | None = None) -> Call:
    grant = Grant(who, "a-session", time.time() + 60, namespace="/technician")
    return Call(grant, event, command_id or body.command_id, hashlib.sha256(body.model_dump_json().encode()).digest())


async def accept(world: World, who: UUID, offer_id: UUID, command_id: UUID) -> Any:
    body = OfferAccept(offer_id=offer_id, command_id=command_id)
    call = call_of(who, "offer.accept", body)
    return await once(world.services)(call, lambda: technician.offer_accept(world.services, call, body))


async def test_an_accept_costs_eight_statements_at_most(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    offer = await world.open_offer(booking.id)
    with counted(world.services.pool) as statements:
        answer = await accept(world, one, offer["id"], uuid4())
    assert answer["status"] == "confirmed"
    assert len(statements) <= 8, statements


async def test_an_accept_over_rest_costs_eight_statements_at_most(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    with counted(world.services.pool) as statements:
        answer = await endpoints.accept(world.services, Technician(one, uuid4()), booking.id)
    assert (answer.status, answer.booking.booking_number) == ("confirmed", booking.number)
    assert len(statements) <= 8, statements


async def test_rejecting_locks_the_booking_once(world: World) -> None:
    one, _ = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book()
    offer = await world.open_offer(booking.id)
    body = OfferReject(offer_id=offer["id"], command_id=uuid4())
    call = call_of(one, "offer.reject", body)
    with counted(world.services.pool) as statements:
        await once(world.services)(call, lambda: technician.offer_reject(world.services, call, body))
    assert sum("FROM bookings" in s and "FOR UPDATE" in s for s in statements) == 1, statements
    assert len(statements) <= 24, statements


async def test_eight_times_the_same_command_at_once(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    offer, command_id = await world.open_offer(booking.id), uuid4()
    before = await deadlocks(world)
    answers = await asyncio.gather(*(accept(world, one, offer["id"], command_id) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert (await world.facts(booking.id)).count("booking.confirmed") == 1
    assert await world.value("SELECT count(*) FROM commands") == 1
    assert await deadlocks(world) == before


async def test_one_id_is_one_command(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    offer, command_id = await world.open_offer(booking.id), uuid4()
    first = await accept(world, one, offer["id"], command_id)
    with pytest.raises(CommandReused):
        await accept(world, one, uuid4(), command_id)
    # The repetition hears what it heard, also when the same deed would be refused by now.
    await world.execute("UPDATE assignments SET state = 'cancelled', cancelled_at = app_now()")
    await world.execute("UPDATE bookings SET technician_id = $1 WHERE id = $2", await world.technician(), booking.id)
    assert await accept(world, one, offer["id"], command_id) == first


async def test_what_is_refused_is_not_kept(world: World) -> None:
    one = await world.technician(seen=False)
    booking = await world.book(hours=8)
    offer, command_id = await world.open_offer(booking.id), uuid4()
    await world.advance(minutes=15)
    for _ in range(2):
        with pytest.raises(OfferExpired):
            await accept(world, one, offer["id"], command_id)
    assert await world.value("SELECT count(*) FROM commands") == 0
