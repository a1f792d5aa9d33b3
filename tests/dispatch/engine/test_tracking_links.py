"""Links to follow a visit by: signed, expiring, taken back, and telling nothing but the way and the steps."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

import pytest

from dispatch.engine import rescheduling, tracking_links
from dispatch.engine.tracking_links import Link, LinkExpired, LinkRevoked
from dispatch.errors import Missing
from dispatch.events import Actor
from storage.bookings import Booking
from tests.world import World

STAFF = Actor("admin", "staff-1")


async def make(world: World, booking: Booking) -> Link:
    assert booking.account_id is not None
    async with world.services.transaction() as tx:
        return await tracking_links.make(tx, booking.account_id, booking.id)


async def test_the_life_of_a_link(world: World) -> None:
    technician = await world.technician()
    booking = await world.book()
    link = await make(world, booking)
    assert await make(world, booking) == link
    told = await tracking_links.follow(world.services, link.token)
    assert (told.status, told.position) == ("booked", None)
    assert [s.step for s in told.steps if s.at] == ["booked"]

    await world.accept(booking.id, technician)
    told = await tracking_links.follow(world.services, link.token)
    assert [s.step for s in told.steps if s.at] == ["booked", "accepted"]
    # Nothing of the door, the people or the money.
    assert asdict(told).keys() == {"status", "starts_at", "timezone", "steps", "position", "expires_at"}

    assert booking.account_id is not None
    for _ in range(2):
        async with world.services.transaction() as tx:
            await tracking_links.revoke(tx, booking.account_id, booking.id)
    with pytest.raises(LinkRevoked):
        await tracking_links.follow(world.services, link.token)
    fresh = await make(world, booking)
    assert fresh.token != link.token
    assert (await tracking_links.follow(world.services, fresh.token)).status == "accepted"
    with pytest.raises(LinkRevoked):
        await tracking_links.follow(world.services, link.token)

    await world.advance(seconds=(fresh.expires_at - world.now + timedelta(seconds=1)).total_seconds())
    with pytest.raises(LinkExpired):
        await tracking_links.follow(world.services, fresh.token)


async def test_only_the_customer_gives_a_link_and_only_ours_are_read(world: World) -> None:
    await world.technician()
    booking = await world.book()
    stranger = await world.customer("A stranger")
    for work in (tracking_links.make, tracking_links.revoke):
        async with world.services.transaction() as tx:
            with pytest.raises(Missing):
                await work(tx, stranger, booking.id)
    link = await make(world, booking)
    raw = bytearray(base64.urlsafe_b64decode(link.token + "=="))
    raw[20] ^= 1
    longer = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    for token in ("", "x", "é", str(uuid4()), link.token[:-4], link.token + "AAAA", longer, "A" * 5000):
        with pytest.raises(Missing):
            await tracking_links.follow(world.services, token)


async def test_a_link_holds_until_a_visit_that_was_moved_is_over(world: World) -> None:
    await world.technician()
    booking = await world.book()
    link = await make(world, booking)
    async with world.services.transaction() as tx:
        moved = await rescheduling.reschedule(tx, booking.id, STAFF, booking.starts_at + timedelta(days=3))
    await world.advance(seconds=(moved.starts_at - world.now).total_seconds())
    assert link.expires_at < world.now
    told = await tracking_links.follow(world.services, link.token)
    assert (told.starts_at, told.expires_at - link.expires_at) == (moved.starts_at, timedelta(days=3))
    await world.advance(seconds=(told.expires_at - world.now).total_seconds())
    with pytest.raises(LinkExpired):
        await tracking_links.follow(world.services, link.token)
