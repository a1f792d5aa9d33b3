"""The watchdog: warn after two bad looks, take away after a while, forgive; first its judgement, then its deeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.engine import detections, jobs
from dispatch.engine.watchdog import Memory, Thresholds, View, assess
from tests.world import KOLKATA, World

T = Thresholds()
START = 10_000.0
ON_THE_WAY = View(START - 900, START, "in_transit", 3000.0, 5.0, 600.0)


def run(views: list[View], memory: Memory = Memory()) -> list[tuple[str, str | None]]:
    seen = []
    for view in views:
        result = assess(view, memory, T)
        memory = result.memory
        seen.append((result.action, result.problem))
    return seen


def test_progress_is_left_alone() -> None:
    views = [replace(ON_THE_WAY, now_s=START - 900 + 60 * n, distance_m=3000.0 - 200 * n) for n in range(12)]
    assert run(views) == [("none", None)] * 12


@pytest.mark.parametrize(
    ("problem", "change"),
    [
        ("dark", {"fix_age_s": 181.0}),
        ("dark", {"fix_age_s": None}),
        ("late", {"state": "accepted", "now_s": START + 1}),
    ],
)
def test_a_problem_is_warned_once_then_the_job_is_taken_away(problem: str, change: dict[str, object]) -> None:
    bad = replace(ON_THE_WAY, **change)
    views = [replace(bad, now_s=bad.now_s + 60 * n) for n in range(12)]
    assert run(views) == [("none", problem), ("warn", problem), *[("none", problem)] * 9, ("reassign", problem)]


def test_standing_still_and_moving_away() -> None:
    still = [replace(ON_THE_WAY, now_s=ON_THE_WAY.now_s + 60 * n) for n in range(14)]
    assert run(still)[11:14] == [("none", "stalled"), ("warn", "stalled"), ("none", "stalled")]
    away = [replace(ON_THE_WAY, now_s=ON_THE_WAY.now_s + 60 * n, distance_m=3000.0 + 200 * n) for n in range(4)]
    assert run(away) == [("none", None), ("none", None), ("none", "moving_away"), ("warn", "moving_away")]


def test_one_bad_look_is_forgiven() -> None:
    dark = replace(ON_THE_WAY, fix_age_s=500.0)
    assert [a for a, _ in run([dark, ON_THE_WAY, dark, ON_THE_WAY])] == ["none"] * 4


def test_early_jobs_are_looked_at_when_it_is_time() -> None:
    early = replace(ON_THE_WAY, state="accepted", now_s=0.0, fix_age_s=None)
    result = assess(early, Memory(), T)
    assert result.action == "none" and result.next_look_s == START - 600 - T.late_grace_s


def test_where_the_door_is_not_known_only_the_clock_and_silence_count() -> None:
    """Who is late on the way may be there: that is told once and costs nobody the job. A silence does."""
    unknown = replace(ON_THE_WAY, distance_m=None, eta_s=0.0)
    late = [replace(unknown, now_s=START + 601 + 60 * n) for n in range(30)]
    dark = [replace(unknown, now_s=START + 2401 + 60 * n, fix_age_s=181.0) for n in range(12)]
    assert run([replace(unknown, now_s=START - 900 + 60 * n) for n in range(25)]) == [("none", None)] * 25
    assert run(late) == [("none", "late"), ("warn", "late"), *[("none", "late")] * 28]
    after = run([*late, *dark])[30:]
    assert after == [("none", "dark"), ("warn", "dark"), *[("none", "dark")] * 9, ("reassign", "dark")]


AT_THE_DOOR = View(START - 900, START, "arrived", 20.0, 5.0, 600.0)


def stay(changes: list[dict[str, object]]) -> list[tuple[str, str | None]]:
    """One look a minute at somebody who has arrived."""
    return run([replace(AT_THE_DOOR, **{"now_s": START - 900 + 60 * n, **c}) for n, c in enumerate(changes)])


def test_who_waits_at_the_door_is_left_alone_until_the_start() -> None:
    looks = stay([{}] * 40)
    # A quarter of an hour early, and ten minutes of grace; the second look after that warns, once, and no more.
    assert looks[:26] == [("none", None)] * 26
    assert looks[26:29] == [("none", "not_started"), ("warn", "not_started"), ("none", "not_started")]
    assert [a for a, _ in looks].count("warn") == 1 and "reassign" not in {a for a, _ in looks}


@pytest.mark.parametrize(
    ("problem", "change"), [("dark", {"fix_age_s": 200.0}), ("moving_away", {"distance_m": 300.0})]
)
def test_the_arrived_are_warned_once_of_each_problem_and_keep_the_job(problem: str, change: dict[str, object]) -> None:
    looks = stay([{}, change, {}, change, change, *[change] * 10, {}, change, change, *[change] * 30])
    assert looks[:5] == [("none", None), ("none", problem), ("none", None), ("none", problem), ("warn", problem)]
    warned = [p for a, p in looks if a == "warn"]
    assert warned == [problem, "not_started"] and "reassign" not in {a for a, _ in looks}


def test_what_was_told_and_stays_is_looked_at_more_and_more_rarely() -> None:
    memory, now_s, looks = Memory(), START, []
    while now_s < START + 7 * 86_400:
        looks.append(now_s)
        result = assess(replace(AT_THE_DOOR, now_s=now_s), memory, T)
        memory, now_s = result.memory, result.next_look_s
    waits = [b - a for a, b in zip(looks, looks[1:], strict=False)]
    assert set(waits[:10]) == {T.tick_s}, "until it is told"
    assert waits == sorted(waits) and waits[-1] > 8 * 3600
    assert len(looks) < 100


# ---------------------------------------------------------------- acting on it, on a real database

METRE = 1 / 111_195


async def test_gone_dark_is_warned_and_then_reassigned(world: World) -> None:
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book(hours=3)
    await world.accept(booking.id, one)
    watched = await world.booking(booking.id)
    assert watched.next_action == "watch" and watched.next_action_at == booking.starts_at - timedelta(hours=2)
    await world.advance(hours=1, minutes=1)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    await world.services.tracker.refresh_jobs()
    world.see(two, *KOLKATA)
    # Nothing has been heard of the first for an hour: one bad look is forgiven, the second warns, once.
    assert await world.sweep() == 1
    assert "watch.warned" not in await world.facts(booking.id)
    await tick(world)
    assert await open_alerts(world) == ["dark"]
    warned = await world.fetch("SELECT data FROM party_events WHERE party_id = $1 ORDER BY seq DESC LIMIT 1", one)
    assert warned[0]["data"]["warning"] == "dark"
    for _ in range(9):
        await tick(world)
    assert (await world.facts(booking.id)).count("watch.warned") == 1
    # The customer hears of it, once and in words that are true whatever follows.
    assert (await world.facts(booking.id)).count("partner.dark") == 1
    told = await world.fetch("SELECT message FROM notifications WHERE type = 'partner_dark'")
    assert len(told) == 1 and "lost touch with" in told[0]["message"]
    assert (await world.booking(booking.id)).technician_id == one
    world.see(two, *KOLKATA)
    await tick(world)
    after = await world.booking(booking.id)
    assert after.status == "partner_assigned" and after.round == 2 and after.technician_id is None
    assert (await world.open_offer(booking.id))["technician_id"] == two
    assert await open_alerts(world) == []
    facts = await world.facts(booking.id)
    assert facts[-2:] == ["booking.reopened", "partner.assigned"]
    assert await world.value("SELECT data ->> 'reason' FROM booking_events WHERE type = 'booking.reopened'") == "dark"
    # The machine took it: it does not count as the technician's cancellation.
    assert await world.value("SELECT cancelled_bookings FROM technicians WHERE id = $1", one) == 0


async def test_nobody_loses_a_job_for_their_distance_from_a_door_that_is_not_known(world: World) -> None:
    """The place is the middle of its zone: they drive by it, and away from it."""
    one = await world.technician(km_north=1)
    booking = await world.book(hours=1, is_approximate=True)
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    for minute in range(40):
        world.see(one, KOLKATA[0] + (1000 - 300 * minute) * METRE, KOLKATA[1])
        await tick(world)
        await detections.record_waiting(world.services)
    assert await open_alerts(world) == []
    kept = await world.booking(booking.id)
    assert kept.technician_id == one and "partner.near" not in await world.facts(booking.id)
    for _ in range(50):
        world.see(one, *KOLKATA)
        await tick(world)
        await detections.record_waiting(world.services)
    assert await open_alerts(world) == ["late"], "it is past the start: people may ask"
    assert (await world.booking(booking.id)).technician_id == one
    assert "partner.arrived" not in await world.facts(booking.id)


async def test_who_comes_back_keeps_the_job_and_the_alert_ends(world: World) -> None:
    one = await world.technician(km_north=3)
    booking = await world.book()
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    for _ in range(6):
        await tick(world)
    assert await open_alerts(world) == ["dark"]
    north_m = 2900.0
    for _ in range(3):
        await world.advance(seconds=30)
        north_m -= 150
        world.see(one, KOLKATA[0] + north_m * METRE, KOLKATA[1])
        await tick(world, seconds=30)
    assert await open_alerts(world) == []
    assert (await world.booking(booking.id)).technician_id == one


async def test_a_problem_that_changes_its_name_leaves_no_alert_behind(world: World) -> None:
    one = await world.technician(km_north=1)
    booking = await world.book(hours=1)
    await world.accept(booking.id, one)
    await world.advance(minutes=55)
    world.see(one, KOLKATA[0] + 0.009, KOLKATA[1])
    for _ in range(12):
        await tick(world)
        if await open_alerts(world):
            break
    # Late, because they have not set out though the start has come; then dark as well.
    assert await open_alerts(world) == ["late"] or await open_alerts(world) == ["dark"]
    for _ in range(12):
        await tick(world)
    reopened = await world.booking(booking.id)
    assert reopened.status == "pending" and reopened.queue_reason == "start_passed"
    assert await open_alerts(world) == ["queued"]


async def test_arriving_ends_the_alert(world: World) -> None:
    one = await world.technician(km_north=2)
    booking = await world.book()
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    for _ in range(6):
        await tick(world)
    assert await open_alerts(world) == ["dark"]
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "arrived")
    assert await open_alerts(world) == []
    for _ in range(30):
        world.see(one, *KOLKATA)
        await tick(world)
    assert await open_alerts(world) == [] and (await world.booking(booking.id)).technician_id == one


async def test_who_arrives_and_does_not_begin_is_warned_and_stays(world: World) -> None:
    one = await world.technician(km_north=0.1)
    booking = await world.book(hours=1)
    await world.accept(booking.id, one)
    for step in ("in_transit", "arrived"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
    for minute in range(70):
        world.see(one, *KOLKATA)
        await tick(world)
        assert await open_alerts(world) == [], minute
    # Ten minutes after the start nobody has begun; then they go away as well.
    for _ in range(3):
        world.see(one, *KOLKATA)
        await tick(world)
    assert await open_alerts(world) == ["not_started"]
    for _ in range(40):
        world.see(one, KOLKATA[0] + 400 * METRE, KOLKATA[1])
        await tick(world)
    assert await open_alerts(world) == ["not_started", "moving_away"]
    kept = await world.booking(booking.id)
    assert kept.technician_id == one and kept.round == 1
    assert (await world.facts(booking.id)).count("watch.warned") == 2
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_progress")
    assert await open_alerts(world) == []


async def test_a_silent_phone_at_the_door_is_for_staff_alone(world: World) -> None:
    """And who goes away from it is not told that somebody else gets the job: nobody does."""
    one = await world.technician(km_north=0.1)
    booking = await world.book()
    await world.accept(booking.id, one)
    for step in ("in_transit", "arrived"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
    for _ in range(8):
        await tick(world)
    assert await open_alerts(world) == ["dark"]
    for _ in range(4):
        world.see(one, KOLKATA[0] + 400 * METRE, KOLKATA[1])
        await tick(world)
    facts = await world.facts(booking.id)
    assert facts.count("watch.warned") >= 1 and "partner.dark" not in facts
    told = {r["type"] for r in await world.fetch("SELECT type FROM notifications")}
    assert not {"partner_dark", "job_late"} & told
    warned = await world.fetch("SELECT data FROM party_events WHERE party_id = $1", one)
    assert "dark" not in [r["data"].get("warning") for r in warned]


async def test_of_work_that_nobody_has_ended_its_technician_and_staff_are_told_once(world: World) -> None:
    """Until somebody says that it is done it is not paid, not rated, and no interval of anybody's is known to end."""
    one = await world.technician(km_north=0.1)
    booking = await world.book(hours=1)
    await world.accept(booking.id, one)
    for step in ("in_transit", "arrived", "in_progress"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
    takes_s = (booking.ends_at - booking.starts_at).total_seconds()
    await tick(world, takes_s + 3599)
    assert await open_alerts(world) == []
    for _ in range(3):
        await tick(world)
    assert await open_alerts(world) == ["not_finished"]
    sent = await world.fetch(
        "SELECT data ->> 'type' AS type FROM outbox WHERE channel = 'sms' AND recipient LIKE '+91%'"
    )
    assert [r["type"] for r in sent].count("job_not_finished") == 1
    assert (await world.facts(booking.id)).count("watch.warned") == 1
    async with world.services.transaction() as tx:
        await jobs.complete(tx, booking.id, one)
    assert await open_alerts(world) == []


async def tick(world: World, seconds: float = 60.0) -> None:
    await world.advance(seconds=seconds)
    await world.sweep()


async def open_alerts(world: World) -> list[str]:
    return [
        r["kind"] for r in await world.fetch("SELECT kind FROM alerts WHERE resolved_at IS NULL ORDER BY created_at")
    ]
