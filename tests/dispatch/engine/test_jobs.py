"""The job after acceptance: every step, every refusal, moved, cancelled, given back, rated."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import jobs
from dispatch.engine.jobs import StartCodeLocked, TooEarly, WrongStartCode
from dispatch.engine.lifecycle import ASSIGNMENT, WrongState
from dispatch.engine.offers import OfferAnswered
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from storage.bookings import Booking
from storage.database.pool import Pool
from tests.near import near_misses
from tests.world import NOON, World, make_world

CUSTOMER, STAFF = Actor("customer", "c-1"), Actor("admin", "s-1")
WAYS = {
    "accepted": (), "in_transit": ("in_transit",), "arrived": ("in_transit", "arrived"),
    "in_progress": ("in_transit", "arrived", "in_progress"), "completed": ("in_transit", "arrived", "completed"),
}  # fmt: skip


async def job(world: World, state: str = "accepted", **changes: object) -> tuple[Booking, UUID]:
    """A booking whose assignment is in that state, and its technician."""
    one = await world.technician()
    booking = await world.book(**changes)
    await world.accept(booking.id, one)
    for step in WAYS[state]:
        await go(world, booking.id, one, step)
    return await world.booking(booking.id), one


async def go(world: World, booking_id: UUID, technician_id: UUID, step: str, **more: object) -> Booking:
    async with world.services.transaction() as tx:
        if step == "completed":
            return (await jobs.complete(tx, booking_id, technician_id, **more))[0]  # type: ignore[arg-type]
        if step == "cancelled":
            return await jobs.give_back(tx, booking_id, technician_id, "no time")
        return await jobs.advance(tx, booking_id, technician_id, step, **more)  # type: ignore[arg-type]


async def assignment_state(world: World, booking_id: UUID) -> str:
    return str(
        await world.value("SELECT state FROM assignments WHERE booking_id = $1 ORDER BY accepted_at DESC", booking_id)
    )


async def open_alerts(world: World) -> list[Any]:
    return await world.fetch("SELECT * FROM alerts WHERE resolved_at IS NULL ORDER BY created_at")


# ---------------------------------------------------------------- steps


async def test_a_job_from_acceptance_to_the_end(world: World) -> None:
    booking, one = await job(world)
    due = world.now + timedelta(minutes=20)
    assert (await go(world, booking.id, one, "in_transit", estimated_arrival=due)).status == "confirmed"
    await world.advance(minutes=15)
    await go(world, booking.id, one, "arrived")
    started = await go(world, booking.id, one, "in_progress")
    assert started.status == "in_progress" and started.next_action == "watch"
    overdue = world.now + (booking.ends_at - booking.starts_at) + timedelta(hours=1)
    assert started.next_action_at == overdue
    await world.advance(minutes=60)
    done = await go(world, booking.id, one, "completed")
    assert done.status == "completed" and done.technician_id == one
    row = (await world.fetch("SELECT * FROM assignments"))[0]
    assert row["estimated_arrival"] == due and row["completed_at"] == world.now
    assert row["in_transit_at"] < row["arrived_at"] <= row["started_at"] < row["completed_at"]
    assert await world.facts(booking.id) == [
        "booking.created", "partner.assigned", "partner.accepted", "booking.confirmed", "partner.in_transit",
        "partner.arrived", "service.started", "booking.completed",
    ]  # fmt: skip
    assert await world.value("SELECT count(*) FROM slots") == 0
    counts = await world.fetch("SELECT total_bookings, completed_bookings FROM technicians WHERE id = $1", one)
    assert tuple(counts[0]) == (1, 1)


@pytest.mark.parametrize("step", ["in_transit", "arrived", "in_progress", "completed"])
async def test_repeating_a_step_changes_nothing(world: World, step: str) -> None:
    booking, one = await job(world, step)
    before = (await world.booking(booking.id)).event_seq
    await asyncio.gather(*(go(world, booking.id, one, step) for _ in range(4)))
    assert (await world.booking(booking.id)).event_seq == before
    assert await world.value("SELECT completed_bookings FROM technicians") == (1 if step == "completed" else 0)


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (state, step)
        for state in WAYS
        for step in (*WAYS, "cancelled")
        if step not in (state, "accepted") and state not in ASSIGNMENT[step].sources
    ],
)
async def test_an_illegal_step_is_a_conflict_with_details(world: World, state: str, step: str) -> None:
    booking, one = await job(world, state)
    before = (await world.booking(booking.id)).event_seq
    with pytest.raises(WrongState) as caught:
        await go(world, booking.id, one, step)
    assert {"state", "step", "allowed_from"} <= caught.value.details.keys()
    assert caught.value.message
    after = await world.booking(booking.id)
    assert after.event_seq == before and await assignment_state(world, booking.id) == state


async def test_only_a_detection_skips_the_way(world: World) -> None:
    booking, one = await job(world)
    with pytest.raises(WrongState) as caught:
        await go(world, booking.id, one, "arrived")
    assert caught.value.details["allowed_from"] == ["in_transit"]
    await go(world, booking.id, one, "arrived", is_detected=True)
    assert await assignment_state(world, booking.id) == "arrived"


async def test_a_job_of_another_day_is_not_begun_today(world: World) -> None:
    booking, one = await job(world, hours=48)
    for step in ("in_transit", "in_transit"):
        with pytest.raises(TooEarly) as caught:
            await go(world, booking.id, one, step)
    earliest = booking.starts_at - timedelta(hours=2)
    assert caught.value.details == {"earliest_at": earliest}
    assert (await world.booking(booking.id)).event_seq == booking.event_seq
    await world.advance(seconds=(earliest - world.now).total_seconds() - 1)
    with pytest.raises(TooEarly):
        await go(world, booking.id, one, "in_transit")
    await world.advance(seconds=1)
    for step in ("in_transit", "arrived"):
        await go(world, booking.id, one, step)
    # Nor may it have been done before it could have begun.
    with pytest.raises(Invalid):
        await go(world, booking.id, one, "completed", completed_at=earliest - timedelta(minutes=3))
    await go(world, booking.id, one, "completed", completed_at=earliest - timedelta(minutes=1))
    assert await world.value("SELECT completed_at FROM assignments") == earliest


async def test_how_early_is_a_setting(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"steps_ahead_s": 600})
    booking, one = await job(world)
    with pytest.raises(TooEarly):
        await go(world, booking.id, one, "in_transit")
    await world.advance(seconds=(booking.starts_at - world.now).total_seconds() - 600)
    await go(world, booking.id, one, "in_transit")


@pytest.mark.parametrize(("minutes", "is_told"), [(20, True), (-1, False), (-600, False), (25 * 60, False)])
async def test_an_arrival_that_cannot_be_meant_is_told_to_nobody(world: World, minutes: float, is_told: bool) -> None:
    """A phone whose clock is wrong says when they come by its own."""
    booking, one = await job(world, "accepted")
    arrival = world.now + timedelta(minutes=minutes)
    await go(world, booking.id, one, "in_transit", estimated_arrival=arrival)
    told = "SELECT data ->> 'estimated_arrival' FROM booking_events WHERE type = 'partner.in_transit'"
    assert await world.value(told) == (arrival.isoformat() if is_told else None)
    assert await world.value("SELECT estimated_arrival FROM assignments") == (arrival if is_told else None)


async def test_setting_out_wakes_the_watchdog(world: World) -> None:
    """It slept until they would have to leave; now it looks at once, and warns of one who stands still."""
    booking, one = await job(world)
    await world.sweep()
    asleep = (await world.booking(booking.id)).next_action_at
    assert asleep is not None and asleep > world.now + timedelta(minutes=5)
    await go(world, booking.id, one, "in_transit")
    after = await world.booking(booking.id)
    assert after.next_action == "watch" and after.next_action_at == world.now


async def test_complete_is_legal_from_arrived(world: World) -> None:
    booking, one = await job(world, "arrived")
    assert (await go(world, booking.id, one, "completed")).status == "completed"


async def test_somebody_elses_job_does_not_exist(world: World) -> None:
    booking, _ = await job(world)
    stranger = await world.technician(km_north=2)
    for step in ("in_transit", "completed", "cancelled"):
        with pytest.raises(Missing):
            await go(world, booking.id, stranger, step)
    with pytest.raises(Missing):
        await go(world, UUID(int=7), stranger, "arrived")


async def test_what_is_only_offered_cannot_be_driven_to(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    for step in ("in_transit", "completed", "cancelled"):
        with pytest.raises(WrongState) as caught:
            await go(world, booking.id, one, step)
        assert caught.value.details["state"] == "assigned"
    await world.reject(booking.id, one)
    with pytest.raises(WrongState) as caught:
        await go(world, booking.id, one, "in_transit")
    assert caught.value.details["state"] == "rejected"


async def test_completion_times(world: World) -> None:
    booking, one = await job(world, "arrived")
    await world.advance(minutes=30)
    for wrong in (world.now + timedelta(minutes=3), NOON - timedelta(minutes=3)):
        with pytest.raises(Invalid) as caught:
            await go(world, booking.id, one, "completed", completed_at=wrong)
        assert list(caught.value.fields) == ["service_completed_at"]
    # A phone whose clock is a little ahead: it ends now, not in the future.
    await go(world, booking.id, one, "completed", completed_at=world.now + timedelta(minutes=1))
    assert await world.value("SELECT completed_at FROM assignments") == world.now


async def test_a_completion_told_later_counts_from_when_it_was(world: World) -> None:
    booking, one = await job(world, "arrived")
    then = world.now + timedelta(minutes=50)
    await world.advance(minutes=90)
    await go(world, booking.id, one, "completed", completed_at=then)
    assert await world.value("SELECT completed_at FROM assignments") == then


async def test_the_times_of_a_job_whose_steps_are_all_told_later_are_in_order(world: World) -> None:
    booking, one = await job(world)
    then = world.now + timedelta(minutes=60)
    await world.advance(hours=3)
    for step in ("in_transit", "arrived", "in_progress"):
        await go(world, booking.id, one, step)
    await go(world, booking.id, one, "completed", completed_at=then)
    [row] = await world.fetch("SELECT * FROM assignments")
    assert [row[f"{step}_at"] for step in ("in_transit", "arrived", "started", "completed")] == [then] * 4
    assert row["accepted_at"] < then


@pytest.mark.parametrize(
    ("km_north", "hours", "minutes", "is_approximate", "said"),
    [
        (8.0, 1.5, 0, False, "have arrived, 8.0 km away from the door"),
        (8.0, 1.5, 91, False, None),
        (8.0, 1.5, 0, True, "have done it before its start"),
        (0.2, 1.5, 0, False, "have done it before its start"),
        (0.2, 0.05, 4, False, None),
        (8.0, 0.05, 2, False, "have arrived, 8.0 km away from the door"),
    ],
)
async def test_staff_hear_of_a_job_that_is_done_elsewhere_or_before_its_start(
    world: World, km_north: float, hours: float, minutes: float, is_approximate: bool, said: str | None
) -> None:
    """Once, and it is done all the same. Where somebody was long ago says nothing, nor does a place without a pin."""
    one = await world.technician(km_north=km_north)
    booking = await world.book(hours=hours, is_approximate=is_approximate)
    await world.accept(booking.id, one)
    await world.advance(minutes=minutes)
    for step in WAYS["completed"]:
        await go(world, booking.id, one, step)
    assert (await world.booking(booking.id)).status == "completed"
    alerts = await open_alerts(world)
    assert [a["kind"] for a in alerts] == (["doubtful"] if said else [])
    assert all(f"{said}." in a["message"] for a in alerts)


async def test_the_start_code(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"start_code_required": True})
    booking, one = await job(world, "arrived")
    code = booking.start_code
    assert code is not None and len(code) == 4
    for wrong in (None, "", "12345", "x" + code):
        with pytest.raises(WrongStartCode):
            await go(world, booking.id, one, "in_progress", start_code=wrong)
    assert (await go(world, booking.id, one, "in_progress", start_code=code)).status == "in_progress"
    # Repeated without it: nothing is left to protect.
    assert (await go(world, booking.id, one, "in_progress")).status == "in_progress"


async def test_the_start_code_cannot_be_guessed(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"start_code_required": True})
    booking, one = await job(world, "arrived")
    assert booking.start_code is not None
    alerts = "SELECT count(*) FROM alerts WHERE kind = 'start_code_locked' AND resolved_at IS NULL"
    for n in range(1, 6):
        with pytest.raises(WrongStartCode):
            await go(world, booking.id, one, "in_progress", start_code=f"wrong{n}")
        assert await world.value("SELECT start_code_tries FROM assignments") == n
        assert await world.value(alerts) == (n == 5)
    # Now the right one does not help either.
    with pytest.raises(StartCodeLocked):
        await go(world, booking.id, one, "in_progress", start_code=booking.start_code)
    assert (await world.booking(booking.id)).status == "confirmed"
    # Another technician has tries of their own.
    two = await world.technician(km_north=3)
    await go(world, booking.id, one, "cancelled")
    assert await world.value(alerts) == 0
    await world.accept(booking.id, two)
    for step in ("in_transit", "arrived"):
        await go(world, booking.id, two, step)
    assert (await go(world, booking.id, two, "in_progress", start_code=booking.start_code)).status == "in_progress"


async def test_what_is_nearly_the_start_code_is_not_it(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"start_code_required": True})
    booking, one = await job(world, "arrived")
    assert booking.start_code is not None
    for guess in near_misses(booking.start_code):
        # However often somebody tries, each of these is wrong.
        await world.execute("UPDATE assignments SET start_code_tries = 0")
        with pytest.raises(WrongStartCode):
            await go(world, booking.id, one, "in_progress", start_code=guess)
    await go(world, booking.id, one, "in_progress", start_code=booking.start_code)


async def test_guesses_at_once_are_counted_one_by_one(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"start_code_required": True})
    booking, one = await job(world, "arrived")
    answers = await asyncio.gather(
        *(go(world, booking.id, one, "in_progress", start_code=f"wrong{n}") for n in range(9)), return_exceptions=True
    )
    assert Counter(type(a) for a in answers) == {WrongStartCode: 5, StartCodeLocked: 4}


async def test_the_start_code_cannot_be_passed_by_completing(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"start_code_required": True})
    booking, one = await job(world, "arrived")
    with pytest.raises(WrongState):
        await go(world, booking.id, one, "completed")
    await go(world, booking.id, one, "in_progress", start_code=booking.start_code)
    assert (await go(world, booking.id, one, "completed")).status == "completed"


# ---------------------------------------------------------------- given back


@pytest.mark.parametrize("state", ["accepted", "in_transit", "arrived"])
async def test_given_back_in_any_state_before_the_work(world: World, state: str) -> None:
    booking, one = await job(world, state)
    two = await world.technician(km_north=3)
    reopened = await go(world, booking.id, one, "cancelled")
    assert reopened.status == "partner_assigned" and reopened.round == 2 and reopened.attempt == 1
    assert (await world.open_offer(booking.id))["technician_id"] == two
    with pytest.raises(WrongState) as caught:
        await go(world, booking.id, one, "in_transit")
    assert caught.value.details["state"] == "cancelled"
    with pytest.raises(OfferAnswered):
        await world.accept(booking.id, one)
    await world.accept(booking.id, two)
    assert (await world.booking(booking.id)).technician_id == two
    assert await world.value("SELECT cancelled_bookings FROM technicians WHERE id = $1", one) == 1
    # Who gave it back has nothing to say of it that staff would have to look at.
    with pytest.raises(WrongState):
        await go(world, booking.id, one, "completed")
    assert "done_after_all" not in [a["kind"] for a in await open_alerts(world)]


async def test_staff_hear_of_work_that_was_done_after_the_system_took_the_job(world: World) -> None:
    """A phone without a network: its owner drove there and did it, and says so once it has one again."""
    booking, one = await job(world, "in_transit")
    for _ in range(40):
        await world.advance(minutes=1)
        await world.sweep()
    assert (await world.booking(booking.id)).technician_id is None
    before = await open_alerts(world)
    with pytest.raises(WrongState):
        await go(world, booking.id, one, "in_transit")
    assert await open_alerts(world) == before
    for step in ("arrived", "in_progress", "completed"):
        with pytest.raises(WrongState) as caught:
            await go(world, booking.id, one, step)
        assert caught.value.message == "This job is no longer yours."
        assert caught.value.details["state"] == "cancelled"
    [alert] = [a for a in await open_alerts(world) if a not in before]
    assert (alert["kind"], alert["technician_id"]) == ("done_after_all", one)
    assert "says that they are there" in alert["message"]


# ---------------------------------------------------------------- moved


# ---------------------------------------------------------------- cancelled


# ---------------------------------------------------------------- rated
