"""Offers on a real database: one winner, three attempts, nothing lost, and the reasons."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from dispatch.engine import assigning, bookings, jobs, offers, settings
from dispatch.engine.offers import NoCandidate, OfferAnswered, OfferExpired, OfferWithdrawn
from dispatch.errors import DispatchError, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from tests import turns
from tests.statements import counted
from tests.world import World

STAFF = Actor("admin", "staff-1")


async def deadlocks(world: World) -> int:
    """How often the database had to break one: retries hide a wrong order of locks."""
    await world.value("SELECT pg_stat_force_next_flush()")
    return int(await world.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


async def test_the_nearest_gets_the_offer_and_wins(world: World) -> None:
    far, near = await world.technician(km_north=4), await world.technician(km_north=1)
    booking = await world.book()
    assert booking.status == "partner_assigned"
    offer = await world.open_offer(booking.id)
    assert offer["technician_id"] == near and offer["attempt"] == 1
    assert offer["earning_minor"] == 123984
    assert booking.next_action == "offer_expiry" and booking.next_action_at == offer["expires_at"]
    confirmed = await world.accept(booking.id, near)
    assert confirmed.status == "confirmed" and confirmed.technician_id == near
    assert await world.facts(booking.id) == [
        "booking.created",
        "partner.assigned",
        "partner.accepted",
        "booking.confirmed",
    ]
    with pytest.raises(Missing):
        await world.accept(booking.id, far)


async def test_a_second_accept_by_the_winner_gets_the_same_answer(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    first, second = await world.accept(booking.id, one), await world.accept(booking.id, one)
    # Facts are numbered as the transaction ends, after its own answer is made.
    assert replace(first, event_seq=second.event_seq) == second and second.status == "confirmed"
    assert await world.value("SELECT count(*) FROM assignments") == 1


async def test_eight_accepts_at_once_have_one_effect(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    answers = await asyncio.gather(*(world.accept(booking.id, one) for _ in range(8)))
    assert {a.status for a in answers} == {"confirmed"}
    assert await world.value("SELECT count(*) FROM assignments") == 1
    assert (await world.facts(booking.id)).count("booking.confirmed") == 1


async def test_rejecting_and_expiring_cost_twelve_statements_at_most(world: World) -> None:
    """The end of one offer is four, and the search for the next technician is what it is in a confirm."""
    for km in (1, 2, 3):
        await world.technician(km_north=km)
    booking = await world.book()
    first = await world.open_offer(booking.id)
    with counted(world.services.pool) as rejecting:
        await world.reject(booking.id, first["technician_id"])
    assert len(rejecting) <= 11, rejecting
    with counted(world.services.pool) as expiring:
        async with world.services.transaction() as tx:
            await offers.expire(tx, await offers.lock(tx, booking.id))
    assert len(expiring) <= 12, expiring
    assert (await world.open_offer(booking.id))["attempt"] == 3
    taken = await world.fetch("SELECT technician_id, state FROM slots WHERE booking_id = $1", booking.id)
    assert [tuple(row) for row in taken] == [((await world.open_offer(booking.id))["technician_id"], "offered")]


async def test_an_interval_stays_where_it_is_when_nobody_else_is_free(world: World) -> None:
    """Who is asked next has accepted another job for that time: the time of whoever rejected stays held."""
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book()
    other = await world.book()
    assert (await world.open_offer(other.id))["technician_id"] == two
    await world.accept(other.id, two)
    await world.reject(booking.id, one)
    assert await world.open_offer(booking.id) is None
    taken = await world.fetch("SELECT technician_id, state FROM slots WHERE booking_id = $1", booking.id)
    assert [tuple(row) for row in taken] == [(one, "held")]


async def test_a_reject_goes_to_the_next_at_once_and_never_back(world: World) -> None:
    people = [await world.technician(km_north=n) for n in (1, 2, 3, 4)]
    booking = await world.book()
    for attempt, person in enumerate(people[:3], 1):
        offer = await world.open_offer(booking.id)
        assert (offer["technician_id"], offer["attempt"]) == (person, attempt)
        await world.reject(booking.id, person, "too far")
    queued = await world.booking(booking.id)
    assert queued.status == "pending" and queued.queued_at is not None and queued.next_action == "start"
    assert queued.queue_reason == "attempts_exhausted"
    assert await world.value("SELECT count(*) FROM alerts WHERE kind = 'queued' AND resolved_at IS NULL") == 1
    with pytest.raises(OfferAnswered):
        await world.accept(booking.id, people[0])


async def test_an_unanswered_offer_expires_on_time_and_moves_on(world: World) -> None:
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book(hours=8)
    assert (await world.open_offer(booking.id))["technician_id"] == one
    await world.advance(minutes=14, seconds=59)
    assert await world.sweep() == 0
    await world.advance(seconds=1)
    with pytest.raises(OfferExpired):
        await world.accept(booking.id, one)
    assert await world.sweep() == 1
    assert (await world.open_offer(booking.id))["technician_id"] == two
    assert "partner.expired" in await world.facts(booking.id)
    with pytest.raises(OfferExpired):
        await world.accept(booking.id, one)


async def test_accepts_racing_the_expiry_have_one_outcome(world: World) -> None:
    one = await world.technician(seen=False)
    booking = await world.book(hours=8)
    await world.advance(minutes=15)
    results = await asyncio.gather(
        *(world.accept(booking.id, one) for _ in range(3)), world.sweep(), return_exceptions=True
    )
    assert [isinstance(r, OfferExpired) for r in results[:3]] == [True] * 3
    # The sweep passes over what somebody holds at that moment; the next one, a moment later, finds it.
    await world.sweep()
    # A sweep passes over a booking that somebody holds just now; the next one finds it.
    await world.sweep()
    assert await world.value("SELECT state FROM offers") == "expired"


async def test_a_technician_holds_three_open_offers_at_most(world: World) -> None:
    await world.technician()
    made = [await world.book(hours=hours) for hours in (3, 6, 26, 29)]
    assert [b.status for b in made] == ["partner_assigned"] * 3 + ["pending"]
    assert (made[3].queue_reason, made[3].waits_for, made[3].attempt) == ("no_candidate", ["offer_open"], 0)
    reason = await world.value(
        "SELECT reason FROM match_candidates c JOIN match_attempts a ON a.id = c.attempt_id WHERE a.booking_id = $1",
        made[3].id,
    )
    assert reason == "offer_open"
    places = await world.fetch("SELECT place FROM offers ORDER BY place")
    assert [r["place"] for r in places] == [1, 2, 3]


async def test_of_jobs_that_start_soon_a_technician_holds_one_offer(world: World) -> None:
    await world.technician()
    soon, later, soon_too = await world.book(hours=0.5), await world.book(hours=5), await world.book(hours=1.8)
    assert (soon.status, later.status) == ("partner_assigned", "partner_assigned")
    assert soon_too.status == "pending"


async def test_a_job_that_starts_soon_finds_its_place_beside_two_for_later(world: World) -> None:
    await world.technician()
    for hours in (5, 8):
        assert (await world.book(hours=hours)).status == "partner_assigned"
    assert (await world.book(hours=1.5)).status == "partner_assigned"


async def test_offers_made_at_once_never_exceed_the_places(world: World) -> None:
    """Eight real connections, one technician: the database holds the limit; who loses a place takes the next."""
    one = await world.technician()
    made = [await world.book(dispatch=False, hours=24 * (n + 1)) for n in range(8)]
    before = await deadlocks(world)
    await asyncio.gather(*(offers.dispatch_now(world.services, b.id) for b in made))
    held = await world.fetch("SELECT place FROM offers WHERE state = 'open' AND technician_id = $1", one)
    assert sorted(r["place"] for r in held) == [1, 2, 3]
    assert await deadlocks(world) == before


async def test_a_lower_limit_holds_for_whoever_has_more(world: World) -> None:
    """Three are open when the server starts with one: nothing is added before there is none, whichever end first."""
    one = await world.technician()
    made = [await world.book(hours=hours) for hours in (24, 48, 72)]
    world.services.settings.dispatch.open_offers = 1
    waiting = await world.book(hours=96)
    places = {r["booking_id"]: r["place"] for r in await world.fetch("SELECT booking_id, place FROM offers")}
    made.sort(key=lambda b: places[b.id])
    for booking in made:
        assert (await world.booking(waiting.id)).waits_for == ["offer_open"]
        await world.accept(booking.id, one)
        await asyncio.sleep(0)
        await world.sweep()
    assert await world.open_offer(waiting.id) is not None
    soon = await world.book(hours=1.5)
    assert soon.waits_for == ["offer_open"]


async def test_an_answer_at_the_last_moment_stands_and_one_at_the_end_is_too_late(world: World) -> None:
    """The expiry is due while the answer is being carried out, and the other way round."""
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    first, second = await world.book(hours=8), await world.book(hours=30)
    holders = {r["booking_id"]: r["technician_id"] for r in await world.fetch("SELECT * FROM offers")}
    await world.advance(minutes=14, seconds=59)
    async with world.services.transaction() as tx:
        offer = await offers.offer_of(tx, holders[first.id], booking_id=first.id)
        assert (await offers.accept(tx, holders[first.id], offer)).status == "confirmed"
        # Real time goes on meanwhile: the sweep finds it due, and passes over it.
        await world.advance(seconds=1)
        await world.sweep()
    assert (await world.booking(first.id)).status == "confirmed"
    assert "partner.expired" not in await world.facts(first.id)
    assert "partner.expired" in await world.facts(second.id)
    with pytest.raises(OfferExpired):
        await world.accept(second.id, holders[second.id])
    assert {one, two} == {holders[second.id], (await world.open_offer(second.id))["technician_id"]}

    async def expire(tx: Tx) -> None:
        await offers.expire(tx, await offers.lock(tx, third.id))

    async def accept(tx: Tx) -> object:
        offer = await offers.offer_of(tx, who, booking_id=third.id)
        return await offers.accept(tx, who, offer)

    third = await world.book(hours=54)
    who = (await world.open_offer(third.id))["technician_id"]
    assert isinstance((await turns.one_after_the_other(world.services, expire, accept))[1], OfferExpired)


async def test_two_dispatches_at_once_make_one_offer(world: World) -> None:
    for n in range(4):
        await world.technician(km_north=1 + n)
    booking = await world.book(dispatch=False)
    await asyncio.gather(*(offers.dispatch_now(world.services, booking.id) for _ in range(6)), world.sweep())
    assert await world.value("SELECT count(*) FROM offers") == 1


async def test_many_bookings_and_few_technicians_in_parallel(world: World) -> None:
    """No deadlock, no double offer, no lost booking, whatever the order."""
    people = [await world.technician(km_north=1 + n / 10) for n in range(4)]
    made = [await world.book(dispatch=False, hours=1.5 + 1.1 * n) for n in range(7)]
    await asyncio.gather(*(offers.dispatch_now(world.services, b.id) for b in made))
    taken = await world.fetch("SELECT technician_id, booking_id FROM offers WHERE state = 'open'")
    assert len(taken) == 7 and {r["technician_id"] for r in taken} <= set(people)
    accepted = await asyncio.gather(
        *(world.accept(r["booking_id"], r["technician_id"]) for r in taken for _ in range(2)), return_exceptions=True
    )
    assert not [a for a in accepted if isinstance(a, BaseException)]
    lost = await world.value(
        "SELECT count(*) FROM bookings WHERE status IN ('pending', 'partner_assigned') "
        "AND next_action_at IS NULL AND queued_at IS NULL"
    )
    assert lost == 0


async def test_staff_names_a_technician(world: World) -> None:
    await world.technician(km_north=1)
    low = await world.technician(km_north=2, rating_sum=6, rating_count=2)
    booking = await world.book(auto_assign=False)
    with pytest.raises(NoCandidate) as caught:
        async with world.services.transaction() as tx:
            await assigning.assign_to(tx, booking.id, low, STAFF, force=False)
    assert caught.value.details == {"reason": "rating"}
    assert (await world.booking(booking.id)).round == 1
    async with world.services.transaction() as tx:
        offer = await assigning.assign_to(tx, booking.id, low, STAFF, force=True)
    assert offer.attempt is None and offer.technician_id == low


async def test_cancelling_withdraws_and_frees(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, Actor("customer", str(booking.account_id)), "changed my mind")
    with pytest.raises(OfferWithdrawn):
        await world.accept(booking.id, one)
    assert await world.value("SELECT count(*) FROM slots") == 0
    gone = await world.booking(booking.id)
    assert gone.status == "cancelled" and gone.cancelled_by == "customer"
    with pytest.raises(DispatchError):
        async with world.services.transaction() as tx:
            await bookings.cancel(tx, booking.id, Actor("customer"), None)


async def test_cancel_racing_accept_ends_in_one_of_both(world: World) -> None:
    one = await world.technician()
    for _ in range(5):
        booking = await world.book()

        async def cancel(booking_id: object = booking.id) -> None:
            async with world.services.transaction() as tx:
                await bookings.cancel(tx, booking_id, Actor("customer"), None)  # type: ignore[arg-type]

        await asyncio.gather(world.accept(booking.id, one), cancel(), return_exceptions=True)
        assert (await world.booking(booking.id)).status == "cancelled"
        assert await world.value("SELECT count(*) FROM slots") == 0


async def test_a_technician_gives_a_job_back(world: World) -> None:
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book()
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        reopened = await jobs.give_back(tx, booking.id, one, "the van broke down")
    assert reopened.status == "partner_assigned" and reopened.round == 2 and reopened.technician_id is None
    assert (await world.open_offer(booking.id))["technician_id"] == two
    assert await world.value("SELECT cancelled_bookings FROM technicians WHERE id = $1", one) == 1
    await world.reject(booking.id, two)
    assert (await world.booking(booking.id)).queue_reason == "no_candidate"


async def test_facts_are_gapless_for_booking_and_party(world: World) -> None:
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book()
    await world.reject(booking.id, one)
    await world.accept(booking.id, two)
    for table, key in (("booking_events", "booking_id"), ("party_events", "party_id")):
        rows = await world.fetch(f"SELECT array_agg(seq ORDER BY seq) AS seqs FROM {table} GROUP BY {key}")
        assert rows and all(r["seqs"] == list(range(1, len(r["seqs"]) + 1)) for r in rows)
    kinds = await world.fetch("SELECT type FROM party_events WHERE party_id = $1 ORDER BY seq", two)
    assert [r["type"] for r in kinds] == ["offer.made", "offer.closed", "job.updated"]


async def test_everybody_rejects_or_gives_back_at_once(world: World) -> None:
    """Each answer frees one technician and asks another, in one transaction: no deadlock, nobody asked twice."""
    people = [await world.technician(km_north=1 + n / 10) for n in range(6)]
    made = [await world.book(hours=1.5 + 1.1 * n) for n in range(6)]
    holders = {r["booking_id"]: r["technician_id"] for r in await world.fetch("SELECT * FROM offers")}
    assert len(holders) == 6 and set(holders.values()) <= set(people)
    for booking in made[:3]:
        await world.accept(booking.id, holders[booking.id])

    async def give_back(booking_id: UUID) -> None:
        async with world.services.transaction() as tx:
            await jobs.give_back(tx, booking_id, holders[booking_id], "ill")

    await asyncio.gather(
        *(give_back(b.id) for b in made[:3]), *(world.reject(b.id, holders[b.id]) for b in made[3:]), world.sweep()
    )
    await world.sweep()
    twice = await world.fetch("SELECT 1 FROM offers GROUP BY booking_id, technician_id HAVING count(*) > 1")
    assert twice == []
    waiting = await world.value(
        "SELECT count(*) FROM bookings WHERE status IN ('pending', 'partner_assigned') "
        "AND (next_action_at IS NOT NULL OR queued_at IS NOT NULL)"
    )
    assert waiting == 6
    assert await world.value("SELECT count(*) FROM slots") == 6


async def test_accepts_rejects_and_force_at_once_have_one_outcome(world: World) -> None:
    """The offer ends once, whoever is first, and nobody locks anybody else."""
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    before = await deadlocks(world)
    for day in range(1, 5):
        booking = await world.book(hours=24 * day)
        offer = await world.open_offer(booking.id)
        other = two if offer["technician_id"] == one else one

        async def give_to(who: UUID = other, booking_id: UUID = booking.id) -> object:
            async with world.services.transaction() as tx:
                return await assigning.assign_to(tx, booking_id, who, STAFF, force=True)

        answers = await asyncio.gather(
            *(world.accept(booking.id, offer["technician_id"]) for _ in range(4)), give_to(),
            *(world.reject(booking.id, offer["technician_id"]) for _ in range(2)), world.sweep(),
            return_exceptions=True,
        )  # fmt: skip
        assert not [a for a in answers if isinstance(a, BaseException) and not isinstance(a, DispatchError)], answers
        ended = await world.value("SELECT state FROM offers WHERE id = $1", offer["id"])
        assert ended in ("accepted", "rejected", "withdrawn")
        ties = await world.value("SELECT count(*) FROM assignments WHERE offer_id = $1", offer["id"])
        assert ties == (ended == "accepted")
        open_now = await world.value("SELECT count(*) FROM offers WHERE booking_id = $1 AND state = 'open'", booking.id)
        assert open_now == ((await world.booking(booking.id)).status == "partner_assigned")
    assert await deadlocks(world) == before


async def test_an_answer_waits_for_who_holds_the_booking_and_holds_no_offer_meanwhile(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    before = await turns.deadlocks(world.services)
    async with world.services.transaction() as tx:
        await offers.lock(tx, booking.id)
        answering = asyncio.create_task(world.accept(booking.id, one))
        await turns.until_waiting(world.services, answering)
        await bookings.cancel(tx, booking.id, Actor("customer"), None)
    with pytest.raises(OfferWithdrawn):
        await answering
    assert await turns.deadlocks(world.services) == before
    assert (await world.booking(booking.id)).status == "cancelled"


async def test_an_offers_share_is_that_of_its_amount(world: World) -> None:
    """Staff change the share while somebody thinks about an offer: they get what was offered, and it is called so."""
    one = await world.technician()
    booking = await world.book()
    async with world.services.transaction() as tx:
        await settings.update(tx, STAFF, {"commission_percentage": 40})
    await world.accept(booking.id, one)
    kept = "SELECT technician_share_pct::text || ' ' || platform_share_pct || ' ' || earning_minor FROM assignments"
    assert await world.value(kept) == "70.00 30.00 123984"
    later = await world.book(hours=5)
    await world.accept(later.id, one)
    assert await world.value(f"{kept} WHERE booking_id = $1", later.id) == "60.00 40.00 106272"
    # An offer that a node of before has made does not say it.
    old = await world.book(hours=8)
    await world.execute("UPDATE offers SET technician_share_pct = NULL WHERE booking_id = $1", old.id)
    await world.accept(old.id, one)
    assert await world.value(f"{kept} WHERE booking_id = $1", old.id) == "60.00 40.00 106272"
