"""Timers: what is due is done, once, whoever fails, dies or runs beside it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from dispatch import bus
from dispatch.engine import bookings, timers
from dispatch.engine.timers import KINDS, Sweeper
from dispatch.events import Actor
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage.bookings import Booking
from storage.database.errors import StorageError
from tests.turns import Work, side_by_side
from tests.world import World


async def overdue_s(world: World) -> float:
    async with world.services.read() as conn:
        return float(await booking_rows.overdue_s(conn) or 0.0)


async def offered(world: World, count: int) -> list[Booking]:
    """So many bookings, each offered to a technician of its own, all to expire at the same moment."""
    made = []
    for _ in range(count):
        await world.technician(seen=False)
        made.append(await world.book(hours=8))
    assert {b.status for b in made} == {"partner_assigned"}
    return made


async def fails_for(
    monkeypatch: pytest.MonkeyPatch, kind: str, which: Booking, error: Exception, times: int = 1
) -> None:
    real, left = KINDS[kind], [times]

    async def handler(tx: Tx, booking: Booking) -> None:
        await real(tx, booking)
        if booking.id == which.id and left[0]:
            left[0] -= 1
            raise error

    monkeypatch.setitem(timers.KINDS, kind, handler)


@pytest.mark.parametrize("error", [RuntimeError("killed"), StorageError("gone"), StorageError("x", "40P01")])
async def test_one_that_fails_comes_back_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # One at a time: else a neighbour may try the failed one again before it is put off.
    monkeypatch.setattr(timers, "WORKERS", 1)
    made = await offered(world, 3)
    await world.advance(minutes=15)
    await fails_for(monkeypatch, "offer_expiry", made[1], error)
    await world.sweep()
    states = {
        r["booking_id"]: r["state"]
        for r in await world.fetch("SELECT DISTINCT ON (booking_id) * FROM offers ORDER BY booking_id, made_at")
    }
    assert states[made[0].id] == states[made[2].id] == "expired"
    if getattr(error, "sqlstate", None) != "40P01":
        # Nothing of the half-done handler is left, and it comes back in half a minute.
        assert states[made[1].id] == "open"
        assert await world.sweep() == 0
        await world.advance(seconds=30)
        await world.sweep()
    assert (
        await world.value("SELECT state FROM offers WHERE booking_id = $1 ORDER BY made_at LIMIT 1", made[1].id)
        == "expired"
    )
    assert (await world.facts(made[1].id)).count("partner.expired") == 1


async def test_a_handler_that_always_fails_holds_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await offered(world, 2)
    await world.execute("UPDATE bookings SET priority = 9 WHERE id = $1", made[0].id)
    await fails_for(monkeypatch, "offer_expiry", made[0], RuntimeError("always"), times=1000)
    for _ in range(3):
        await world.advance(minutes=15)
        await world.sweep()
    assert (await world.booking(made[1].id)).queued_at is not None
    assert (await world.booking(made[0].id)).next_action == "offer_expiry"


async def test_how_late_the_timers_are(world: World) -> None:
    assert await overdue_s(world) == 0.0
    await offered(world, 1)
    await world.advance(minutes=14)
    assert await overdue_s(world) == 0.0
    await world.advance(minutes=3)
    assert await overdue_s(world) == pytest.approx(120.0, abs=0.01)
    await world.sweep()
    assert await overdue_s(world) == 0.0


async def test_what_nobody_paid_for_is_released(world: World) -> None:
    await world.technician()
    booking = await world.book(hours=3, dispatch=False, wait_for_payment=True, payment_method="online")
    await world.advance(minutes=29, seconds=59)
    assert await world.sweep() == 0
    await world.advance(seconds=1)
    assert await world.sweep() == 1
    gone = await world.booking(booking.id)
    assert (gone.status, gone.cancelled_by) == ("cancelled", "system")
    assert await world.value("SELECT count(*) FROM slots") == 0
    assert await world.facts(booking.id) == ["booking.created", "booking.cancelled"]


async def test_two_hundred_at_once_by_two_nodes(world: World) -> None:
    """All expire in one second; two sweepers share them; each is done exactly once."""
    await offered(world, 3)
    # The rows of the others are copies that nobody does: what counts is that they are due together.
    await world.execute(
        """
        WITH people AS (
          INSERT INTO parties (kind, code, name) SELECT 'technician', 'XT-' || n, 'T' || n
          FROM generate_series(1, 197) n RETURNING id
        ), technicians AS (
          INSERT INTO technicians (id, categories, tiers, onboarding_status)
          SELECT id, '{Facial}', '{Minimal}', 'pending' FROM people RETURNING id
        ), numbered AS (
          SELECT id, row_number() OVER () AS n FROM technicians
        ), sample AS (
          SELECT * FROM bookings ORDER BY created_at LIMIT 1
        ), made AS (
          INSERT INTO bookings (number, account_id, address, lat, lng, timezone, local_date, local_time, starts_at,
            ends_at, categories, tiers, status, payment_method, currency, subtotal_minor, savings_minor,
            discount_minor, tax_minor, grand_total_minor, attempt, next_action, next_action_at)
          SELECT 'X-' || n, s.account_id, s.address, s.lat, s.lng, s.timezone, s.local_date, s.local_time, s.starts_at,
            s.ends_at, '{Spa}', s.tiers, 'partner_assigned', 'cash', 'INR', 0, 0, 0, 0, 0, 1, 'offer_expiry',
            s.next_action_at
          FROM sample s, generate_series(1, 197) n RETURNING id, number, next_action_at
        )
        INSERT INTO offers (booking_id, technician_id, round, attempt, earning_minor, currency, expires_at)
        SELECT m.id, t.id, 1, 1, 0, 'INR', m.next_action_at FROM made m JOIN numbered t ON m.number = 'X-' || t.n
        """
    )
    assert await world.value("SELECT count(*) FROM offers WHERE state = 'open'") == 200
    await world.advance(minutes=15)
    sweepers = [Sweeper(world.services), Sweeper(world.services)]
    done = await asyncio.gather(*(s.sweep() for s in sweepers))
    await sweepers[0].sweep()
    # 200 expiries; whoever was free again got offers from the search that followed.
    assert sum(done) >= 197
    assert await world.value("SELECT count(*) FROM booking_events WHERE type = 'partner.expired'") == 200
    assert await world.value("SELECT count(*) FROM bookings WHERE next_action_at <= app_now()") == 0
    twice = await world.fetch(
        "SELECT booking_id FROM booking_events WHERE type = 'partner.expired' GROUP BY booking_id HAVING count(*) > 1"
    )
    assert twice == []
    gaps = await world.fetch("SELECT booking_id FROM booking_events GROUP BY booking_id HAVING max(seq) <> count(*)")
    assert gaps == []


async def test_the_loop_wakes_when_a_timer_is_set(world: World) -> None:
    """Nothing is due for a long time; a hint brings the next look forward, without any poll."""
    sweeper = Sweeper(world.services)
    looked = asyncio.Event()
    real = sweeper.sweep

    async def sweep() -> int:
        looked.set()
        return await real()

    sweeper.sweep = sweep  # type: ignore[method-assign]
    timers_poll: Any = timers
    before, timers_poll.POLL_S = timers_poll.POLL_S, 3600.0
    sweeper.loop.start()
    try:
        await asyncio.wait_for(looked.wait(), 60)
        looked.clear()
        await world.technician()
        booking = await world.book(dispatch=False)
        world.services.bus.publish(bus.TIMER_SET, {"at": world.now.timestamp()})
        await asyncio.wait_for(looked.wait(), 60)
        async with asyncio.timeout(60):
            while (await world.booking(booking.id)).status != "partner_assigned":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        timers_poll.POLL_S = before
        await sweeper.loop.stop()


# ---------------------------------------------------------------- many


async def copies(world: World, count: int) -> None:
    """So many pending bookings, like the first one, that are due for dispatch: the n-th with priority n % 7."""
    await world.execute(
        """
        INSERT INTO bookings (number, account_id, address, lat, lng, timezone, local_date, local_time, starts_at,
          ends_at, categories, tiers, payment_method, currency, subtotal_minor, savings_minor, discount_minor,
          tax_minor,
          grand_total_minor, priority, next_action, next_action_at)
        SELECT 'C-' || n, s.account_id, s.address, s.lat, s.lng, s.timezone, s.local_date, s.local_time, s.starts_at,
          s.ends_at, s.categories, s.tiers, 'cash', 'INR', 0, 0, 0, 0, 0, n % 7, 'dispatch',
          app_now() - make_interval(secs => n)
        FROM (SELECT * FROM bookings ORDER BY created_at LIMIT 1) s, generate_series(1, $1) n
        """,
        count,
    )


def recorder(monkeypatch: pytest.MonkeyPatch) -> list[Booking]:
    """Every kind of timer only notes what it was given and puts it off for a day."""
    seen: list[Booking] = []

    async def handler(tx: Tx, booking: Booking) -> None:
        await tx.conn.execute(
            "UPDATE bookings SET next_action_at = app_now() + interval '1 day' WHERE id = $1", booking.id
        )
        tx.after_commit(lambda: seen.append(booking))

    for kind in KINDS:
        monkeypatch.setitem(timers.KINDS, kind, handler)
    return seen


async def test_the_most_important_are_dispatched_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "WORKERS", 1)
    await world.technician()
    await world.book(dispatch=False)
    # More than a set, and the important ones are not the oldest.
    await copies(world, 3 * timers.SET)
    seen = recorder(monkeypatch)
    assert await world.sweep() == 3 * timers.SET + 1
    order = [(-b.priority, b.next_action_at) for b in seen]
    assert order == sorted(order)
    assert [b.priority for b in seen[:22]] == [6] * 21 + [5]


async def test_staff_hear_of_a_timer_that_keeps_failing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = (await offered(world, 1))[0]
    await world.advance(minutes=15)
    await fails_for(monkeypatch, "offer_expiry", booking, RuntimeError("always"), times=6)
    alerts = "SELECT count(*) FROM alerts WHERE kind = 'timer_failing' AND resolved_at IS NULL"
    told = []
    for _ in range(6):
        assert await world.sweep() == 1
        told.append(await world.value(alerts))
        await world.advance(seconds=30)
    assert told == [0, 0, 0, 0, 1, 1]
    # It works again: the count starts anew, and the alert is over.
    await world.sweep()
    assert await world.value(alerts) == 0
    assert await world.value("SELECT timer_failures FROM bookings WHERE id = $1", booking.id) == 0
    assert "partner.expired" in await world.facts(booking.id)


async def test_staff_decide_who_gets_the_only_technician(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "WORKERS", 1)
    for km in (1, 2):
        await world.technician(km_north=km, seen=False)
    older, newer = await world.book(dispatch=False), await world.book(dispatch=False)
    async with world.services.transaction() as tx:
        await bookings.prefer(tx, newer.id, Actor("admin", "s-1"), priority=1)
    one = await world.technician(km_north=3)
    await world.advance(seconds=10)
    await world.sweep()
    assert (await world.open_offer(newer.id))["technician_id"] == one
    assert (await world.booking(older.id)).queue_reason == "no_candidate"


@pytest.mark.parametrize("is_paid_for", [True, False])
async def test_two_nodes_share_what_is_due(world: World, is_paid_for: bool) -> None:
    """What one works on is passed over by the other, among those to be dispatched and among the rest."""
    given = {} if is_paid_for else {"wait_for_payment": True, "payment_method": "online"}
    await world.technician()
    one, two = [await world.book(hours=hours, dispatch=False, **given) for hours in (4, 6)]
    await world.advance(hours=2)

    def handling(which: Booking) -> Work:
        return lambda tx: booking_rows.lock_due(tx.conn, booking_id=which.id)

    async def looking(tx: Tx) -> list[UUID]:
        return [d.id for d in await booking_rows.due(tx.conn, most=1)]

    held, again = await side_by_side(world.services, handling(one), handling(one))
    assert held.id == one.id and again is None
    found, others = await side_by_side(world.services, looking, looking)
    assert len(found) == len(others) == 1 and {*found, *others} == {one.id, two.id}
