"""Settings of staff: other nodes know them by the hint, and without one by looking; rows outlive the process."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dispatch.config import Settings
from dispatch.engine import settings
from dispatch.engine.settings import KNOBS
from dispatch.errors import Invalid
from dispatch.events import SYSTEM
from dispatch.services import Services
from tests.identity import make_services
from tests.world import World


@pytest.mark.parametrize("name", KNOBS)
def test_every_knob_is_a_setting_and_is_shown_as_it_is_set(name: str) -> None:
    knob, configured = KNOBS[name], Settings(_env_file=None)  # type: ignore[call-arg]
    for value in (knob.least, knob.most, knob.shown(configured)):
        assert settings.complaint(name, value) is None
        assert settings.shown(settings.merged(configured, {name: value}))[name] == pytest.approx(value)
        part = settings.merged(configured, {name: value})
        # What the environment may not say, staff may not either.
        type(getattr(part, knob.group)).model_validate(getattr(part, knob.group).model_dump())


async def put(services: Services, **changes: float) -> None:
    async with services.transaction() as tx:
        await settings.update(tx, SYSTEM, changes)


async def test_another_node_learns_of_it_by_the_hint_or_by_looking(services: Services) -> None:
    other = make_services(services.pool, services.settings.data)
    loop = settings.loop_of(other)
    await put(services, cancellation_fee_percentage=12.5)
    assert services.settings.billing.cancellation_fee_pct == 12.5
    assert other.settings.billing.cancellation_fee_pct == 10.0
    await settings.refresh(other)
    assert other.settings.billing.cancellation_fee_pct == 12.5
    await put(services, cancellation_fee_percentage=11)
    loop.start()
    other.bus.publish("settings.changed", {})
    async with asyncio.timeout(60):
        while other.settings.billing.cancellation_fee_pct != 11:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await loop.stop()


async def test_all_or_nothing_and_whatever_is_unknown_does_nothing(services: Services) -> None:
    with pytest.raises(Invalid) as refused:
        await put(services, cancellation_fee_percentage=101, otp_expiry_minutes=0.5, max_booking_advance_days=10)
    assert refused.value.fields.keys() == {"cancellation_fee_percentage", "otp_expiry_minutes"}
    assert services.settings is services.configured
    assert settings.merged(services.configured, {"gone": 1}) is services.configured


async def test_changes_at_once_keep_each_other(services: Services) -> None:
    names = ("cancellation_fee_percentage", "otp_expiry_minutes", "max_booking_advance_days", "search_radius_km")
    await asyncio.gather(*(put(services, **{name: 7}) for name in names))
    await settings.refresh(services)
    now = settings.shown(services.settings)
    assert [now[name] for name in names] == [7, 7, 7, 7]


async def test_a_wider_search_is_looked_for_by_everybody_who_waits(world: World) -> None:
    await put(world.services, search_radius_km=2)
    helper, one = await world.technician(), await world.technician(km_north=2.5)
    booking = await world.book(hours=5)
    await world.reject(booking.id, helper)
    await world.sweep()
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.waits_for, waiting.next_action) == ("pending", [], "start")
    for nothing_new in ({"cancellation_fee_percentage": 12}, {"search_radius_km": 2}):
        await put(world.services, **nothing_new)
    assert (await world.booking(booking.id)).next_action == "start"
    await put(world.services, search_radius_km=10)
    await world.advance(minutes=1)
    assert await world.sweep() == 1
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_a_change_cuts_a_long_pause_short_and_lets_a_short_one_be(world: World) -> None:
    at = {}
    for minutes in (0.5, 15):
        await world.technician(is_available=False)
        booking = await world.book()
        at[booking.id] = world.now + timedelta(minutes=minutes)
        await world.execute("UPDATE bookings SET next_action_at = $2 WHERE id = $1", booking.id, at[booking.id])
    await put(world.services, search_radius_km=9)
    soon, late = [(await world.booking(one)).next_action_at for one in at]
    assert soon == world.now + timedelta(minutes=0.5)
    assert late is not None and late <= world.now + timedelta(minutes=1)
