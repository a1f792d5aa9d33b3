"""The way of a ping: what is dropped is counted by its step, what is kept survives, what is near is near."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from dispatch.bus import LocalBus
from dispatch.engine import candidates, detections, jobs, presence
from dispatch.engine.detections import write
from dispatch.errors import NotAllowed, Unavailable
from dispatch.live.arrivals import AWAY_M, UNSAID_AHEAD_S, Departure, Detection
from dispatch.live.reports import Report, Seen, TooOften, Unreadable
from dispatch.live.trail import Trail
from dispatch.process import runtime
from geo.arrival import Rung
from storage import history
from storage.bookings import Booking
from storage.database.pool import Pool
from storage.offers import OpenJob
from tests.world import KOLKATA, World, make_world, test_settings

LAT, LNG = KOLKATA
#: Degrees of latitude of one metre.
METRE = 1 / 111_195


def fix(
    world: World, north_m: float = 0.0, *, late_s: float = 0.0, accuracy_m: float | None = 10.0
) -> list[float | None]:
    at_ms = int((world.services.clock.timestamp() - late_s) * 1000)
    return [at_ms, LAT + north_m * METRE, LNG, accuracy_m, None, None]


def report(
    world: World, technician_id: UUID, *fixes: list[float | None], sent_s: float | None = None, device: str = ""
) -> Report:
    """What the phone says; `sent_s` is its own clock when it sends, in seconds ahead of the server's."""
    sent_at_ms = None if sent_s is None else (world.services.clock.timestamp() + sent_s) * 1000
    return world.services.tracker.report(technician_id, fixes, sent_at_ms=sent_at_ms, device=device)


def seen(world: World, technician_id: UUID) -> Seen:
    found = world.services.tracker.find_by_id(technician_id)
    assert found is not None
    return found


async def matched(world: World) -> list[UUID]:
    """Who would get an offer for a job here that starts soon."""
    booking = await world.book(dispatch=False, hours=1.5)
    async with world.services.read() as conn:
        judged, _ = await candidates.judge(conn, world.services, booking, world.now)
    await world.execute("DELETE FROM slots")
    return [j.candidate.id for j in judged if j.reason is None]


# ---------------------------------------------------------------- the steps


async def test_the_unknown_and_the_inactive_are_dropped_at_authorise(world: World) -> None:
    tracker = world.services.tracker
    with pytest.raises(Unavailable) as stranger:
        report(world, uuid4(), fix(world), fix(world))
    assert stranger.value.retry_after_s == 1.0
    one = await world.technician(seen=False)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", one)
    await world.services.roster.refresh([one])
    with pytest.raises(NotAllowed):
        report(world, one, fix(world))
    assert tracker.dropped == {"authorise": 3} and tracker.admitted == 0
    assert tracker.find_by_id(one) is None and len(tracker.fleet) == 0


async def test_too_many_reports_are_dropped_at_rate(world: World) -> None:
    one = await world.technician(seen=False)
    for n in range(int(world.services.settings.dispatch.reports_burst)):
        assert report(world, one, fix(world, 20 * n)).dropped == ({"clock": 1} if n else {})
    with pytest.raises(TooOften) as refused:
        report(world, one, fix(world, 500), fix(world, 520))
    assert refused.value.retry_after_s == 1.0 and refused.value.details == {"retry_after_s": 1.0}
    assert world.services.tracker.dropped["rate"] == 2
    assert seen(world, one).lat < LAT + 400 * METRE
    await world.advance(seconds=1)
    assert report(world, one, fix(world, 120)) == Report(1, 0, {})
    with pytest.raises(TooOften):
        report(world, one, fix(world, 140))
    # One technician's flood is nobody else's loss.
    assert report(world, await world.technician(seen=False), fix(world)) == Report(1, 0, {})


async def test_older_than_the_last_is_dropped_at_clock(world: World) -> None:
    one = await world.technician(seen=False)
    assert report(world, one, fix(world, 100)) == Report(1, 0, {})
    assert report(world, one, fix(world, 0, late_s=5), fix(world, 50, late_s=1)) == Report(0, 0, {"clock": 2})
    assert seen(world, one).lat == pytest.approx(LAT + 100 * METRE)
    assert world.services.tracker.dropped == {"clock": 2}


async def test_a_clock_that_runs_ahead_is_set_back(world: World) -> None:
    one = await world.technician(seen=False)
    now_s = world.services.clock.timestamp()
    assert report(world, one, fix(world, 0, late_s=-3600)) == Report(1, 0, {}, clock_offset_ms=-3_600_000)
    assert seen(world, one).fix_at_s == now_s
    await world.advance(seconds=10)
    assert report(world, one, fix(world, 50)) == Report(1, 0, {})
    assert seen(world, one).fix_at_s == now_s + 10


async def test_a_vague_fix_is_shown_and_decides_nothing(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    sure = seen(world, one).sure
    await world.advance(seconds=5)
    assert report(world, one, fix(world, 60, accuracy_m=80)) == Report(1, 0, {})
    assert seen(world, one).lat == pytest.approx(LAT + 60 * METRE)
    assert seen(world, one).sure == sure
    assert await matched(world) == [one]
    await world.advance(seconds=5)
    # A cell mast: part of town, no place to be sent to a job from.
    report(world, one, fix(world, 900, accuracy_m=1500))
    assert await matched(world) == []
    assert world.services.tracker.degraded == {"accuracy": 2}
    await world.advance(seconds=60)
    # iOS says -1 when it does not know: that is as if nothing were said.
    assert report(world, one, fix(world, 0, accuracy_m=-1.0)) == Report(1, 0, {})
    assert await matched(world) == [one]


async def test_each_fix_is_judged_alone(world: World) -> None:
    one = await world.technician(seen=False)
    good = [fix(world, 20 * n, late_s=20 - n) for n in range(20)]
    for n, odd in ((3, (10, -1, -1)), (5, (None, 1850, 400)), (7, (-1, "3", True))):
        good[n][3:] = odd  # type: ignore[assignment]
    bad = [fix(world), [], None, [*fix(world), 1], ["now", LAT, LNG], [*fix(world)[:1], 0.0, 0.0, 5.0]]
    bad[0][1] = 91.0  # type: ignore[index]
    assert report(world, one, *good, *bad, sent_s=0) == Report(20, 0, {"decode": 6})  # type: ignore[arg-type]
    assert world.services.tracker.dropped == {"decode": 6}
    with pytest.raises(Unreadable) as refused:
        report(world, one, *bad)  # type: ignore[arg-type]
    assert {"fixes.0.1", "fixes.1", "fixes.2", "fixes.3", "fixes.4.0", "fixes.5.1"} == refused.value.fields.keys()
    assert world.services.tracker.dropped == {"decode": 12}


@pytest.mark.parametrize("slow_s", [120.0, 300.0, 590.0, -45.0, -3600.0])
async def test_a_wrong_clock_gets_offers_as_a_right_one_does(world: World, slow_s: float) -> None:
    one = await world.technician(seen=False)
    assert report(world, one, fix(world, late_s=slow_s)).clock_offset_ms == slow_s * 1000
    assert seen(world, one).fix_at_s == world.services.clock.timestamp()
    assert await matched(world) == [one]
    await world.advance(seconds=80)
    assert await matched(world) == [one]
    await world.advance(seconds=15)
    assert await matched(world) == []


async def test_an_hour_slow_is_known_by_its_send_time_or_by_three_frames(world: World) -> None:
    one, two = await world.technician(seen=False), await world.technician(seen=False)
    told = report(world, one, fix(world, late_s=3605), sent_s=-3600)
    assert told == Report(1, 0, {}, clock_offset_ms=3_600_000)
    assert seen(world, one).fix_at_s == world.services.clock.timestamp() - 5
    reports = []
    for n in range(3):
        reports.append(report(world, two, fix(world, 40 * n, late_s=4000)))
        await world.advance(seconds=5)
    assert [(r.admitted, r.recorded, r.dropped) for r in reports] == [(0, 1, {}), (0, 1, {}), (1, 0, {})]
    assert two in await matched(world)


async def test_two_phones_of_one_technician_have_a_clock_each(world: World) -> None:
    one = await world.technician(seen=False)
    for n in range(6):
        slow_s, device = ((0, "tablet"), (240, "phone"))[n % 2]
        told = report(world, one, fix(world, 30 * n, late_s=slow_s), device=device)
        assert told == Report(1, 0, {}, clock_offset_ms=slow_s * 1000)
        await world.advance(seconds=5)


async def test_a_batch_in_any_order_is_sorted(world: World) -> None:
    one = await world.technician(seen=False)
    batch = [fix(world, 30 * n, late_s=50 - n) for n in range(50)]
    assert report(world, one, *reversed(batch)) == Report(50, 0, {}, clock_offset_ms=1000)
    assert seen(world, one).lat == pytest.approx(LAT + 30 * 49 * METRE)


async def test_a_backlog_belongs_into_history_and_not_on_the_map(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world))
    here = seen(world, one)
    position = (here.lat, here.fix_at_s)
    old = [fix(world, 5000 + 100 * n, late_s=7200 - 15 * n) for n in range(50)]
    for _ in range(2):
        # No answer was heard: the same is sent again, and written once.
        assert report(world, one, *reversed(old)) == Report(0, 0, {}, recorded=50)
        await world.services.tracker.flush()
    assert (here.lat, here.fix_at_s) == position
    lats = await world.fetch("SELECT lat FROM position_history ORDER BY at")
    assert len(lats) == 51 and [r["lat"] for r in lats] == sorted(r["lat"] for r in lats[:50]) + [LAT]
    # Beyond what is kept it is nothing.
    ancient = fix(world, late_s=86_400 * 31)
    assert report(world, one, ancient) == Report(0, 0, {"clock": 1})


async def test_a_teleport_is_not_dispatchable_until_it_settles(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    assert await matched(world) == [one]
    for n in range(2):
        await world.advance(seconds=5)
        assert report(world, one, fix(world, 6000 + 20 * n)) == Report(1, 0, {})
        assert seen(world, one).lat > LAT + 5000 * METRE
        assert await matched(world) == []
    assert world.services.tracker.degraded["jump"] == 2
    await world.advance(seconds=5)
    report(world, one, fix(world, 6040))
    assert await matched(world) == [one]


async def test_standing_still_renews_and_does_not_move(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    for _ in range(3):
        await world.advance(seconds=60)
        assert report(world, one, fix(world, 3)) == Report(0, 1, {})
    assert seen(world, one).lat == LAT and seen(world, one).fix_at_s == world.services.clock.timestamp()
    assert world.services.tracker.degraded == {"duplicate": 3}
    assert await matched(world) == [one]


async def test_a_stale_position_is_not_matched(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    await world.advance(seconds=90)
    assert await matched(world) == [one]
    await world.advance(seconds=1)
    assert await matched(world) == []


async def test_a_position_with_the_presence_counts_as_a_ping(world: World) -> None:
    one = await world.technician(seen=False)
    async with world.services.transaction() as tx:
        await presence.set_available(tx, one, True, (LAT, LNG))
        assert world.services.tracker.find_by_id(one) is None
    assert seen(world, one).lat == LAT


async def test_going_offline_takes_one_out_of_the_search(world: World) -> None:
    one = await world.technician()
    async with world.services.transaction() as tx:
        await presence.set_available(tx, one, False)
    await world.services.roster.refresh([one])
    assert await matched(world) == []
    assert len(world.services.tracker.fleet) == 1


# ---------------------------------------------------------------- what stays


async def test_positions_survive_a_restart(world: World, tmp_path: Path) -> None:
    here, gone = await world.technician(seen=False), await world.technician(seen=False)
    report(world, here, fix(world, 700))
    report(world, gone, fix(world, 100))
    await world.services.tracker.flush()
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", gone)
    again = await runtime.assemble(test_settings(tmp_path), world.services.pool, LocalBus())
    found = again.tracker.find_by_id(here)
    assert found is not None and found.lat == pytest.approx(LAT + 700 * METRE)
    assert found.fix_at_s == pytest.approx(world.services.clock.timestamp())
    assert again.tracker.find_by_id(gone) is None and len(again.tracker.fleet) == 1
    # Nothing is written or told that nobody has reported.
    assert again.tracker.trail._unsaved == {} and again.tracker.trail._unshared == {}
    booking = await world.book(dispatch=False, hours=1.5)
    async with again.read() as conn:
        judged, _ = await candidates.judge(conn, again, booking, again.clock.now())
    assert [j.candidate.id for j in judged if j.reason is None] == [here]
    await again.bus.close()


async def test_an_older_position_never_overwrites_a_newer_one(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    await world.services.tracker.flush()
    await world.execute("UPDATE technician_positions SET fix_at = fix_at + interval '1 minute', lat = 1")
    await world.advance(seconds=30)
    report(world, one, fix(world, 50))
    await world.services.tracker.flush()
    assert await world.value("SELECT lat FROM technician_positions") == 1


async def test_saving_does_not_touch_the_roster(world: World) -> None:
    """Every node rereads who changed: a ping must not count as a change of the technician."""
    one = await world.technician(seen=False)
    before = await world.value("SELECT changed_at FROM technicians WHERE id = $1", one)
    report(world, one, fix(world, 0))
    await world.services.tracker.flush()
    assert await world.value("SELECT changed_at FROM technicians WHERE id = $1", one) == before


async def test_history_goes_to_day_partitions_and_ends(world: World) -> None:
    one = await world.technician(seen=False)
    tracker = world.services.tracker
    for _ in range(3):
        report(world, one, fix(world, 0), fix(world, 50, late_s=-1))
        await tracker.flush()
        await world.advance(days=1)
    count = await world.value("SELECT count(*) FROM position_history")
    days = await world.fetch("SELECT DISTINCT tableoid::regclass::text AS name FROM position_history ORDER BY 1")
    assert count == 6
    assert [d["name"] for d in days] == [f"position_history_202601{d:02d}" for d in (5, 6, 7)]
    await world.advance(days=28)
    assert await tracker.trail.drop_old() == ["position_history_20260105"]
    assert await world.value("SELECT count(*) FROM position_history") == 4


async def test_two_nodes_make_the_same_partition(world: World) -> None:
    day = (world.now + timedelta(days=9)).date()

    async def make() -> None:
        async with world.services.transaction() as tx:
            await history.ensure_day(tx.conn, day)

    await asyncio.gather(*(make() for _ in range(4)))
    assert await world.value("SELECT to_regclass($1) IS NOT NULL", history.partition_name(day))


async def test_what_cannot_be_saved_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))

    async def broken(*_: object) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as m:
        m.setattr(history, "append", broken)
        with pytest.raises(ConnectionError):
            await world.services.tracker.flush()
    await world.advance(seconds=5)
    report(world, one, fix(world, 50))
    await world.services.tracker.flush()
    assert await world.value("SELECT count(*) FROM position_history") == 2
    assert await world.value("SELECT lat FROM technician_positions") == pytest.approx(LAT + 50 * METRE)


async def test_positions_of_another_node(world: World, tmp_path: Path) -> None:
    one, two = await world.technician(seen=False), await world.technician(seen=False)
    other = await runtime.assemble(test_settings(tmp_path), world.services.pool, LocalBus())
    report(world, one, fix(world, 500))
    report(world, two, fix(world, 0))
    await world.advance(seconds=5)
    report(world, two, fix(world, 9000))
    batch = Trail.pack(list(world.services.tracker.trail._unshared.values()))
    assert [r[0] for r in Trail.unpack(batch + b"torn")] == [r[0] for r in Trail.unpack(batch)]
    other.tracker._heard(batch)
    for person in (one, two):
        here, there = seen(world, person), other.tracker.find_by_id(person)
        assert there is not None
        assert (there.lat, there.fix_at_s, there.is_dispatchable) == (here.lat, here.fix_at_s, here.is_dispatchable)
    # It is not passed on again, an older batch changes nothing, and strangers are ignored.
    assert other.tracker.trail._unshared == {} and other.tracker.trail._unsaved == {}
    other.tracker._heard(
        Trail.pack([(one, seen(world, one).no, 0.0, 0.0, 5.0, 1.0, True), (one, 4711, 1.0, 1.0, 5.0, 9e9, True)])
    )
    unmoved = other.tracker.find_by_id(one)
    assert unmoved is not None and unmoved.lat == seen(world, one).lat
    assert len(other.tracker.fleet) == 2
    await other.bus.close()


# ---------------------------------------------------------------- jobs


async def on_the_way(world: World, north_m: float = 3000.0) -> tuple[Booking, UUID]:
    one = await world.technician(km_north=north_m / 1000)
    booking = await world.book()
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    await world.services.tracker.refresh_jobs()
    return booking, one


async def drive(
    world: World, technician_id: UUID, *way_m: float, every_s: float = 5.0, accuracy_m: float = 8.0
) -> None:
    for north_m in way_m:
        await world.advance(seconds=every_s)
        report(world, technician_id, fix(world, north_m, accuracy_m=accuracy_m))
    await detections.record_waiting(world.services)


async def state_of(world: World, booking: Booking) -> str:
    return str(
        await world.value("SELECT state FROM assignments WHERE booking_id = $1 AND state <> 'cancelled'", booking.id)
    )


async def test_driving_there_is_near_once_and_then_arrived(world: World) -> None:
    booking, one = await on_the_way(world)
    await drive(world, one, *range(2900, 600, -100), every_s=8)
    assert "partner.near" not in await world.facts(booking.id)
    await drive(world, one, *range(500, 40, -60), every_s=8)
    assert (await world.facts(booking.id)).count("partner.near") == 1
    assert await state_of(world, booking) == "in_transit"
    await drive(world, one, 15, 12, 14, 13, every_s=5)
    assert await state_of(world, booking) == "arrived"
    assert (await world.facts(booking.id)).count("partner.arrived") == 1
    events = await world.fetch("SELECT actor_kind, data FROM booking_events WHERE type = 'partner.arrived'")
    assert events[0]["actor_kind"] == "system" and events[0]["data"]["detected"] is True
    assert world.services.tracker.arrivals.detected == 1


async def test_noise_does_not_arrive(world: World) -> None:
    booking, one = await on_the_way(world, 1200)
    # A vague fix at the door, one stray sharp one, and driving past at 50 km/h.
    await drive(world, one, 1000, every_s=10)
    await drive(world, one, 0, accuracy_m=400, every_s=10)
    await drive(world, one, 700, every_s=10)
    await drive(world, one, *range(600, -700, -14), every_s=1)
    assert await state_of(world, booking) == "in_transit"
    assert "partner.arrived" not in await world.facts(booking.id)


async def test_an_arrival_that_is_left_at_once_is_taken_back(world: World) -> None:
    """A red light thirty metres from the door; then on, for two kilometres; and then really there."""
    booking, one = await on_the_way(world)
    await drive(world, one, *range(2900, 30, -100), every_s=8)
    await drive(world, one, 30, 30, 30, 30, 30, every_s=5)
    assert await state_of(world, booking) == "arrived"
    await world.services.tracker.refresh_jobs()
    await drive(world, one, *range(-20, -1900, -80), every_s=8)
    assert await state_of(world, booking) == "in_transit"
    [left] = await world.fetch("SELECT actor_kind, data FROM booking_events WHERE type = 'technician.left'")
    assert left["actor_kind"] == "system" and left["data"]["is_taken_back"] is True
    assert left["data"]["distance_m"] >= AWAY_M
    assert await world.value("SELECT arrived_at FROM assignments WHERE booking_id = $1", booking.id) is None
    await world.services.tracker.refresh_jobs()
    await drive(world, one, *range(-1800, -10, 80), every_s=8)
    await drive(world, one, -8, -8, -8, -8)
    assert await state_of(world, booking) == "arrived"
    facts = await world.facts(booking.id)
    assert facts.count("partner.arrived") == 2 and facts.count("technician.left") == 1


async def test_fetching_something_from_the_van_is_no_leaving(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    await drive(world, one, 300, 200, 100, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "arrived"
    await world.services.tracker.refresh_jobs()
    await drive(world, one, 60, 140, 200, 200, 200, 200, 120, 40, 10, 10, 10)
    assert await state_of(world, booking) == "arrived"
    assert "technician.left" not in await world.facts(booking.id)


async def test_leaving_later_is_told_to_people_once(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    await drive(world, one, 300, 200, 100, 10, 10, 10, 10, 10)
    await world.services.tracker.refresh_jobs()
    await drive(world, one, *([10] * 12), every_s=30)
    for _ in range(2):
        await drive(world, one, 120, 240, 360, 480, 600, 720, every_s=8)
        await drive(world, one, *range(600, 10, -100), 10, 10, 10, 10, every_s=8)
    assert await state_of(world, booking) == "arrived"
    [left] = await world.fetch("SELECT data FROM booking_events WHERE type = 'technician.left'")
    assert left["data"]["is_taken_back"] is False
    open_alerts = "SELECT count(*) FROM alerts WHERE resolved_at IS NULL AND kind = 'technician_left'"
    assert await world.value(open_alerts) == 1
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_progress")
    assert await world.value(open_alerts) == 0


async def test_a_departure_that_the_job_has_outrun_changes_nothing(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    found = Departure(booking.id, one, world.now.timestamp(), 900.0)
    async with world.services.transaction() as tx:
        await write(tx, found)
    assert await state_of(world, booking) == "in_transit"
    assert "technician.left" not in await world.facts(booking.id)


async def test_being_at_the_door_unsaid_counts_shortly_before_the_start_only(world: World) -> None:
    one = await world.technician(km_north=1)
    booking = await world.book()
    await world.accept(booking.id, one)
    await world.services.tracker.refresh_jobs()
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "accepted"
    await world.advance(seconds=(booking.starts_at - world.now).total_seconds() - UNSAID_AHEAD_S)
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "arrived"


async def test_near_is_told_once_even_after_a_restart(world: World) -> None:
    booking, one = await on_the_way(world)
    found = Detection(booking.id, one, Rung.NEAR)
    for _ in range(2):
        async with world.services.transaction() as tx:
            await write(tx, found)
    assert (await world.facts(booking.id)).count("partner.near") == 1


async def test_arrival_as_a_hint_only(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"auto_arrive": False})
    booking, one = await on_the_way(world)
    await drive(world, one, *range(2900, 10, -80), every_s=8)
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "in_transit"
    assert (await world.facts(booking.id)).count("partner.near") == 1


async def test_a_detection_waits_for_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatch.engine import detections as module
    from storage.database.errors import DatabaseAway

    booking, one = await on_the_way(world)
    arrivals, real, failures = world.services.tracker.arrivals, module.write, [2]

    async def flaky(tx: object, found: Detection) -> None:
        if failures[0]:
            failures[0] -= 1
            raise DatabaseAway("away")
        await real(tx, found)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "write", flaky)
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    arrivals._found.put_nowait(Detection(booking.id, one, Rung.ARRIVED))
    recording = module.loop_of(world.services)
    recording.start()
    async with asyncio.timeout(60):
        while arrivals.detected == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await recording.stop()
    assert await state_of(world, booking) == "arrived"


async def test_customers_see_the_technician_from_the_way_to_the_end(world: World) -> None:
    shown: list[tuple[str, UUID]] = []
    world.services.tracker.watch(lambda who, job: shown.append((job.state, who.id)))
    one = await world.technician()
    booking = await world.book()

    async def ping() -> int:
        before = len(shown)
        await world.services.tracker.refresh_jobs()
        await world.advance(seconds=10)
        report(world, one, fix(world, 1000 + 20 * len(shown)))
        return len(shown) - before

    assert await ping() == 0
    await world.accept(booking.id, one)
    assert await ping() == 0
    for step in ("in_transit", "arrived", "in_progress"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
        assert await ping() == 1
    async with world.services.transaction() as tx:
        await jobs.complete(tx, booking.id, one)
    assert await ping() == 0
    assert shown == [("in_transit", one), ("arrived", one), ("in_progress", one)]


async def test_jobs_whose_hints_were_lost_are_found(world: World) -> None:
    arrivals = world.services.tracker.arrivals
    one = await world.technician()
    booking = await world.book()
    await world.accept(booking.id, one)
    world.services.tracker._reload.clear()
    assert arrivals.find(booking.id) is None
    await world.services.tracker.read_jobs()
    found = arrivals.find(booking.id)
    assert isinstance(found, OpenJob) and found.technician_id == one
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, one, "ill")
    await world.services.tracker.read_jobs()
    assert arrivals.find(booking.id) is None and arrivals.of_technician(one) == []


async def test_a_new_technician_of_a_booking_starts_a_new_approach(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    two = await world.technician(km_north=5)
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, one, "ill")
    offer = await world.open_offer(booking.id)
    assert offer["technician_id"] == two
    await world.accept(booking.id, two)
    await world.services.tracker.refresh_jobs()
    found = world.services.tracker.arrivals.find(booking.id)
    assert found is not None and found.technician_id == two
    assert world.services.tracker.arrivals.of_technician(one) == []
    # The first one at the door is nobody's arrival.
    await drive(world, one, 10, 10, 10, 10)
    assert await state_of(world, booking) == "accepted"
