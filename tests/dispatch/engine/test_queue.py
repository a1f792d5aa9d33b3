"""The queue: a booking waits and looks again, at a hint or by its timer, and people see it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import assigning, bookings, candidates, jobs, queue, rescheduling
from dispatch.engine.timers import Sweeper
from dispatch.events import SYSTEM, Actor
from storage.bookings import Booking
from storage.database.pool import Pool
from tests.dispatch.engine.test_jobs import job
from tests.dispatch.engine.test_offers import deadlocks
from tests.world import KOLKATA, World, make_world

CUSTOMER, STAFF = Actor("customer"), Actor("admin", "7")


@pytest.fixture
async def narrow(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[World]:
    """A world in which a technician holds one open offer at most."""
    made = await make_world(fresh_pool, tmp_path, dispatch={"open_offers": 1})
    yield made
    await made.services.bus.close()


async def told_by_bus() -> None:
    """Hints run on the next turn of the loop."""
    await asyncio.sleep(0)


async def status(world: World, booking: Booking) -> str:
    return (await world.booking(booking.id)).status


# ---------------------------------------------------------------- waiting


async def test_it_waits_for_an_offer_that_is_open_and_is_offered_when_that_closes(narrow: World) -> None:
    """One technician, a booking for day 4 offered and unanswered, another one for day 6."""
    one = await narrow.technician()
    first, second = await narrow.book(hours=96), await narrow.book(hours=144)
    assert first.status == "partner_assigned"
    assert (second.status, second.attempt, second.looks) == ("pending", 0, 1)
    assert (second.queue_reason, second.waits_for) == ("no_candidate", ["offer_open"])
    assert second.queued_at is not None and second.next_action == "look"
    assert second.next_action_at == narrow.now + timedelta(seconds=queue.FIRST_PAUSE_S)
    await narrow.advance(minutes=1)
    await narrow.accept(first.id, one)
    await told_by_bus()
    await narrow.sweep()
    found = await narrow.booking(second.id)
    assert (found.status, found.attempt, found.looks, found.waits_for) == ("partner_assigned", 1, 0, [])
    assert (await narrow.accept(second.id, one)).queued_at is None


async def test_many_bookings_and_few_technicians_all_end_confirmed(world: World) -> None:
    """Thirty-six bookings on six days and three technicians who answer: nothing is left to people."""
    people = [await world.technician(km_north=1 + n / 10) for n in range(3)]
    made = [await world.book(hours=24 * (1 + n // 6) + 1.5 * (n % 6)) for n in range(36)]
    for _ in range(40):
        open_now = await world.fetch("SELECT booking_id, technician_id FROM offers WHERE state = 'open'")
        if not open_now:
            break
        await asyncio.gather(*(world.accept(r["booking_id"], r["technician_id"]) for r in open_now))
        await told_by_bus()
        await world.sweep()
    ended = await world.fetch("SELECT status, count(*) AS n FROM bookings GROUP BY status")
    assert {r["status"]: r["n"] for r in ended} == {"confirmed": len(made)}
    jobs_of = await world.fetch("SELECT technician_id, count(*) FROM assignments GROUP BY 1")
    assert {r["technician_id"] for r in jobs_of} == set(people)


# ---------------------------------------------------------------- what does not pass by itself


async def test_what_holds_until_its_fact_changes_has_no_look_of_its_own(world: World) -> None:
    helper, one = await world.technician(km_north=2), await world.technician(tiers=["Exclusive"])
    booking = await world.book(hours=5)
    await world.reject(booking.id, helper)
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.looks, waiting.waits_for) == ("pending", 1, [])
    assert (waiting.next_action, waiting.next_action_at) == ("start", booking.starts_at)
    assert await reason_of(world, booking.id, one) == "tier"
    # What was heard before it waited is dealt with; then nothing happens by itself.
    await world.sweep()
    await world.advance(hours=1)
    assert await world.sweep() == 0


async def test_who_was_asked_in_this_round_is_asked_again_in_the_next_one_alone(world: World) -> None:
    one = await world.technician()
    booking = await world.book(hours=5)
    await world.reject(booking.id, one)
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.waits_for, waiting.next_action) == ("pending", [], "start")
    assert await reason_of(world, booking.id, one) == "already_tried"
    await world.execute("UPDATE technicians SET service_radius_m = 9000 WHERE id = $1", one)
    await world.services.roster.refresh([one])
    assert await world.sweep() == 0
    async with world.services.transaction() as tx:
        await assigning.assign(tx, booking.id, SYSTEM, force=True)
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def reason_of(world: World, booking_id: UUID, technician_id: UUID) -> str:
    return str(
        await world.value(
            "SELECT c.reason FROM match_candidates c JOIN match_attempts a ON a.id = c.attempt_id "
            "WHERE a.booking_id = $1 AND c.technician_id = $2 ORDER BY a.id DESC LIMIT 1",
            booking_id,
            technician_id,
        )
    )


async def test_a_passing_reason_beside_a_lasting_one_is_not_waited_for(world: World) -> None:
    """Offline and of another trade: coming online would not help."""
    holder = await world.technician()
    await world.technician(is_available=False, categories=("Spa",))
    booking = await world.book(hours=1.5)
    await world.reject(booking.id, holder)
    waiting = await world.booking(booking.id)
    assert (waiting.waits_for, waiting.next_action) == ([], "start")


# ---------------------------------------------------------------- by the timer


async def test_without_any_hint_the_timer_looks_again(narrow: World) -> None:
    one = await narrow.technician()
    first, second = await narrow.book(hours=96), await narrow.book(hours=144)
    await narrow.services.bus.close()
    pauses = []
    for _ in range(4):
        waiting = await narrow.booking(second.id)
        assert waiting.next_action_at is not None
        pauses.append((waiting.next_action_at - narrow.now).total_seconds())
        await narrow.advance(seconds=pauses[-1])
        assert await narrow.sweep() == 1
    assert pauses == [15, 30, 60, 120]
    await narrow.accept(first.id, one)
    await narrow.advance(seconds=240)
    await narrow.sweep()
    assert await status(narrow, second) == "partner_assigned"
    # Looks in a row are one row, that says how many they were; they were no attempts.
    kept = await narrow.fetch(
        "SELECT outcome, looks, attempt FROM match_attempts WHERE booking_id = $1 ORDER BY id", second.id
    )
    assert [tuple(r.values()) for r in kept] == [("no_candidate", 5, 1), ("offered", 1, 1)]


async def test_it_looks_until_the_last_sensible_moment(world: World) -> None:
    one = await world.technician(is_available=False)
    booking = await world.book(hours=0.2)
    looks = 0
    while (waiting := await world.booking(booking.id)).next_action == "look":
        assert waiting.next_action_at is not None
        await world.advance(seconds=(waiting.next_action_at - world.now).total_seconds())
        looks += await world.sweep()
    assert booking.starts_at - world.now == timedelta(seconds=60) and looks >= 10
    assert (waiting.status, waiting.waits_for, waiting.next_action) == ("pending", ["offline"], "start")
    # A hint still helps while the job has not begun.
    await world.execute("UPDATE technicians SET is_available = true WHERE id = $1", one)
    world.see(one, *KOLKATA)
    await world.services.roster.refresh([one])
    await world.sweep()
    assert await status(world, booking) == "partner_assigned"


@pytest.mark.parametrize("how", ["waits", "is people's", "was asked in vain"])
async def test_at_its_start_everybody_is_told_the_truth(world: World, how: str) -> None:
    """Whatever it waited for: nobody looks any more, and it is no longer said that somebody does."""
    people = [await world.technician(km_north=1 + n) for n in range(3 if how == "was asked in vain" else 1)]
    booking = await world.book(hours=1.5, auto_assign=how != "is people's")
    for person in people if booking.auto_assign else []:
        await world.reject(booking.id, person)
    waiting = await world.booking(booking.id)
    assert (waiting.next_action, waiting.next_action_at) == ("start", booking.starts_at)
    await world.advance(hours=1.5)
    assert await world.sweep() == 1
    over = await world.booking(booking.id)
    assert (over.status, over.queue_reason, over.looks, over.next_action) == ("pending", "start_passed", 0, None)
    told = await world.fetch(
        "SELECT type FROM notifications WHERE booking_id = $1 AND account_id IS NOT NULL ORDER BY created_at, id",
        booking.id,
    )
    assert [r["type"] for r in told if r["type"] != "booking_created"] == ["booking_queued", "booking_not_taken"]
    alerts = await world.fetch("SELECT message FROM alerts WHERE kind = 'queued' AND resolved_at IS NULL")
    assert [r["message"] for r in alerts] == [
        f"Booking {booking.number} waits for a technician: its time has come and nobody has it."
    ]
    assert await world.sweep() == 0
    # Its customer moves it, and it is searched for anew; by people it is seen again.
    moved_to = (booking.starts_at + timedelta(hours=24)).replace(minute=30, second=0)
    async with world.services.transaction() as tx:
        moved = await rescheduling.reschedule(tx, booking.id, CUSTOMER, moved_to)
    if booking.auto_assign:
        assert moved.status == "partner_assigned"
    else:
        assert (moved.queue_reason, moved.next_action, moved.next_action_at) == ("manual", "start", moved_to)


async def test_however_often_people_search_anew_the_customer_is_told_of_each_thing_once(world: World) -> None:
    helper = await world.technician()
    booking = await world.book(hours=5)
    await world.reject(booking.id, helper)
    await world.execute("UPDATE technicians SET is_active = false")
    await world.services.roster.refresh()
    told = "SELECT count(*) FROM notifications WHERE booking_id = $1 AND type = $2"

    async def search_anew() -> None:
        for _ in range(2):
            async with world.services.transaction() as tx:
                assert await assigning.assign(tx, booking.id, STAFF, force=False) is None

    await search_anew()
    assert await world.value(told, booking.id, "booking_queued") == 1
    # Of another time it is told anew that nobody has taken it.
    moved_to = (booking.starts_at + timedelta(hours=24)).replace(minute=30, second=0)
    await world.execute("UPDATE technicians SET is_active = true")
    await world.services.roster.refresh()
    async with world.services.transaction() as tx:
        moved = await rescheduling.reschedule(tx, booking.id, CUSTOMER, moved_to)
    await world.reject(moved.id, helper)
    assert await world.value(told, booking.id, "booking_queued") == 2
    await world.advance(hours=30)
    await world.sweep()
    await search_anew()
    assert await world.value(told, booking.id, "booking_not_taken") == 1
    assert await world.value(told, booking.id, "booking_queued") == 2
    assert await world.value("SELECT count(*) FROM alerts WHERE kind = 'queued' AND resolved_at IS NULL") == 1


async def test_whoever_turns_the_search_on_again_searches(world: World) -> None:
    one = await world.technician()
    booking = await world.book(hours=5, auto_assign=False)
    assert (booking.queue_reason, booking.next_action) == ("manual", "start")
    async with world.services.transaction() as tx:
        await bookings.prefer(tx, booking.id, STAFF, auto_assign=True)
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_after_three_answers_people_decide_and_nothing_wakes_it(world: World) -> None:
    people = [await world.technician(km_north=1 + n) for n in range(4)]
    booking = await world.book(hours=5)
    for person in people[:3]:
        await world.reject(booking.id, person)
    left = await world.booking(booking.id)
    assert (left.queue_reason, left.looks, left.next_action) == ("attempts_exhausted", 0, "start")
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh(people)
    await world.advance(hours=1)
    assert await world.sweep() == 0


# ---------------------------------------------------------------- who is told


async def test_the_customer_is_told_once_and_staff_while_it_lasts(narrow: World) -> None:
    one, two = await narrow.technician(km_north=1), await narrow.technician(km_north=2)
    first, second = await narrow.book(hours=96), await narrow.book(hours=120)
    third = await narrow.book(hours=144)
    told = "SELECT count(*) FROM notifications WHERE booking_id = $1 AND type = 'booking_queued'"
    alert = "SELECT count(*) FROM alerts WHERE booking_id = $1 AND kind = 'queued' AND resolved_at IS NULL"
    assert (await narrow.value(told, third.id), await narrow.value(alert, third.id)) == (1, 1)
    queued_at = third.queued_at
    await narrow.accept(first.id, one)
    await narrow.advance(minutes=1)
    await narrow.sweep()
    offered = await narrow.booking(third.id)
    # The entry rests: it keeps its age, and the alert is over.
    assert (offered.status, offered.queued_at) == ("partner_assigned", queued_at)
    assert await narrow.value(alert, third.id) == 0
    await narrow.reject(third.id, one)
    again = await narrow.booking(third.id)
    assert (again.status, again.queued_at, again.waits_for) == ("pending", queued_at, ["offer_open"])
    assert (await narrow.value(told, third.id), await narrow.value(alert, third.id)) == (1, 1)
    assert await narrow.facts(third.id) == [
        "booking.created", "booking.queued", "partner.assigned", "partner.rejected", "booking.queued",
    ]  # fmt: skip
    assert (await narrow.accept(second.id, two)).status == "confirmed"


# ---------------------------------------------------------------- waking is cheap


async def test_a_hint_wakes_no_more_than_there_are_places(narrow: World) -> None:
    one = await narrow.technician()
    first = await narrow.book(hours=24)
    waiting = [await narrow.book(hours=48 + 24 * n, priority=n % 3) for n in range(8)]
    assert {b.status for b in waiting} == {"pending"}
    await narrow.accept(first.id, one)
    await told_by_bus()
    assert await narrow.sweep() == 1
    # One place, one offer, to the most important; nobody else was made to look in vain.
    offered = await narrow.fetch("SELECT priority FROM bookings WHERE status = 'partner_assigned'")
    assert [r["priority"] for r in offered] == [2]
    assert await narrow.value("SELECT max(looks) FROM bookings") == 1


# ---------------------------------------------------------------- races


async def test_two_nodes_look_at_once(narrow: World) -> None:
    one = await narrow.technician()
    first = await narrow.book(hours=24)
    waiting = [await narrow.book(hours=48 + 24 * n) for n in range(4)]
    before = await deadlocks(narrow)
    await narrow.accept(first.id, one)
    await narrow.advance(minutes=1)
    nodes = [Sweeper(narrow.services) for _ in range(2)]
    await asyncio.gather(*(node.sweep() for node in nodes))
    await nodes[0].sweep()
    assert await narrow.value("SELECT count(*) FROM offers WHERE state = 'open'") == 1
    assert await narrow.value("SELECT count(*) FROM bookings WHERE status = 'pending' AND next_action_at IS NULL") == 0
    assert await narrow.value("SELECT max(looks) FROM bookings") <= 2 + len(waiting)
    assert await deadlocks(narrow) == before


async def test_a_hint_during_a_look_is_not_lost(narrow: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The technician becomes free after the look has seen them busy and before it has said that it waits."""
    one = await narrow.technician()
    first = await narrow.book(hours=24)
    second = await narrow.book(hours=48, dispatch=False)
    real = candidates.judge

    async def judge(*args: Any) -> Any:
        seen = await real(*args)
        monkeypatch.setattr(candidates, "judge", real)
        await narrow.accept(first.id, one)
        await told_by_bus()
        return seen

    monkeypatch.setattr(candidates, "judge", judge)
    await narrow.sweep()
    assert await status(narrow, second) == "partner_assigned"


async def test_whose_technician_drops_out_after_the_start_hears_that_nobody_is_looked_for(world: World) -> None:
    """The search ends at the start: whoever waits is told what they can do, not that somebody else is found."""
    booking, one = await job(world, "in_transit", hours=1.5)
    await world.technician(km_north=2)
    await world.advance(hours=1.6)
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, one, "the car broke down")
    assert (await world.booking(booking.id)).queue_reason == "start_passed"
    told = await world.fetch(
        "SELECT type FROM notifications WHERE booking_id = $1 AND account_id IS NOT NULL ORDER BY created_at, id",
        booking.id,
    )
    assert [r["type"] for r in told][-1] == "booking_not_taken"
    assert "booking_reopened" not in [r["type"] for r in told]


async def test_a_moved_booking_waits_for_a_reason_of_its_own(narrow: World) -> None:
    """What staff read of it is of its new time."""
    helper = await narrow.technician()
    booking = await narrow.book(hours=1.5)
    await narrow.reject(booking.id, helper)
    await narrow.advance(hours=1.5)
    await narrow.sweep()
    # Somebody has the time, and an offer to think about.
    await narrow.book(hours=5)
    moved_to = (booking.starts_at + timedelta(hours=24)).replace(minute=30, second=0)
    async with narrow.services.transaction() as tx:
        moved = await rescheduling.reschedule(tx, booking.id, CUSTOMER, moved_to)
    assert (moved.queue_reason, moved.waits_for) == ("no_candidate", ["offer_open"])
    alerts = await narrow.fetch("SELECT message FROM alerts WHERE kind = 'queued' AND resolved_at IS NULL")
    assert [r["message"] for r in alerts] == [f"Booking {booking.number} waits for a technician: nobody can come yet."]
