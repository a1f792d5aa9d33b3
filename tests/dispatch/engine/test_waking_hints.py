"""What a booking waits for ends: each reason has its hint, which leads to an offer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import settings
from dispatch.engine.matching import REASONS
from dispatch.process import runtime
from tests.dispatch.engine.reasons import WAYS, Ends, Story, provider
from tests.organisations import add_organisation
from tests.world import World


def test_every_reason_has_an_end() -> None:
    """Whoever adds a reason says in WAYS how it ends, and by which hint a booking hears of that."""
    assert {way.reason for way in WAYS} == set(REASONS)


async def heard(world: World) -> None:
    """What every node does within seconds: its bus, its roster's look, and the minute in which rules are looked at."""
    await asyncio.sleep(0)
    await world.services.roster.refresh()
    async with world.services.read() as conn:
        spread = await conn.fetchval(
            "SELECT max(next_action_at) FROM bookings WHERE looks > 0 AND next_action = 'look' "
            "AND next_action_at <= app_now() + interval '66 seconds'"
        )
    await settings.refresh(world.services)
    if spread is not None and spread > world.now:
        await runtime.set_clock(world.services, replace(world.services.clock.reading, app_at=spread.timestamp()))
    await world.sweep()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.reason}: {way.what}")
async def test_its_end_is_a_hint_that_leads_to_an_offer(world: World, way: Ends) -> None:
    s = Story(world)
    s.kept["me"] = await world.customer()
    more: dict[str, Any] = {}
    provider_id = None
    if way.ruled:
        s.home = await add_organisation(world.services, org_type="lgu")
        s.kept["office"] = await provider(world, "Office")
        more, provider_id = {"organisation_id": s.home.id, "payment_method": "account"}, s.kept["office"]
    one = await way.make(s)
    # Somebody could come when it was booked, and will not.
    s.kept["helper"] = helper = await world.technician(km_north=3, provider_id=provider_id)
    booking = await world.book(s.kept["me"], hours=way.hours, **more)
    for who in [one, helper] if s.kept.get("rejects") else [helper]:
        await world.reject(booking.id, who)
    await world.sweep()
    waiting = await world.booking(booking.id)
    assert waiting.status == "pending" and waiting.looks == 1
    assert await verdict(world, booking.id, one) == (way.reason if way.listed else None)
    await way.end(s, one, waiting)
    await heard(world)
    assert (await world.open_offer(booking.id) or {}).get("technician_id") == s.kept.get("who", one)
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'assign_booking'") == 0


async def verdict(world: World, booking_id: UUID, technician_id: UUID) -> Any:
    return await world.value(
        "SELECT c.reason FROM match_candidates c JOIN match_attempts a ON a.id = c.attempt_id "
        "WHERE a.booking_id = $1 AND c.technician_id = $2 ORDER BY a.id DESC LIMIT 1",
        booking_id,
        technician_id,
    )
