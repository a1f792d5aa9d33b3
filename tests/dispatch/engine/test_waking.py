"""What a booking waits for ends: each reason has its hint, nobody looks in vain, the first to start is served first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import bookings, candidates, jobs, offers, presence, settings, waking, zones
from dispatch.engine.matching import REASONS
from dispatch.engine.timers import Sweeper
from dispatch.engine.zones import ZoneIn
from dispatch.events import Actor
from dispatch.parties import preferred_providers, programs, providers, technicians
from dispatch.parties.preferred_providers import Preference
from dispatch.parties.programs import NewProgram
from dispatch.parties.providers import NewProvider
from dispatch.process import runtime
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import programs as program_rows
from storage import queue as rows
from storage.bookings import Booking
from storage.database.errors import StorageError
from storage.database.pool import Conn, Pool
from tests import turns
from tests.organisations import Home, add_organisation
from tests.statements import counted
from tests.turns import side_by_side
from tests.world import KOLKATA, SQUARE, World, make_world

STAFF, CUSTOMER = Actor("admin", "7"), Actor("customer")
AROUND_THE_CLOCK = {"start": "00:00", "end": "24:00", "days": [1, 2, 3, 4, 5, 6, 7]}
NIGHTS = {"start": "22:00", "end": "23:00", "days": [1, 2, 3, 4, 5, 6, 7]}
NORTH = {
    "type": "Polygon",
    "coordinates": [[[88.2, 22.8], [88.6, 22.8], [88.6, 23.2], [88.2, 23.2], [88.2, 22.8]]],
}
FAR_KM = 25.0


@dataclass
class Story:
    """A booking waits, refused by one technician for one reason. What `make` leaves in `kept` is for `end`."""

    world: World
    home: Home | None = None
    kept: dict[str, Any] = field(default_factory=dict)

    async def tx(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        async with self.world.services.transaction() as tx:
            return await work(tx)

    async def change(self, one: UUID, **changes: Any) -> None:
        await self.tx(lambda tx: technicians.change(tx, one, STAFF, changes))

    async def zone(self, code: str, boundary: dict[str, Any]) -> UUID:
        made = ZoneIn(code, code, boundary, "Asia/Kolkata", "INR")
        zone_id = await self.tx(lambda tx: zones.put(tx, made))
        await self.world.services.zones.reload()
        return UUID(str(zone_id))


@dataclass(frozen=True)
class Ends:
    """`make` gives the technician whom the reason refuses, and `end` ends it. `hours`: until the booking's start.

    `ruled`: the booking is an organisation's. `listed`: the verdict is kept; not of whom no index finds.
    """

    reason: str
    what: str
    make: Callable[[Story], Awaitable[UUID]]
    end: Callable[[Story, UUID, Booking], Awaitable[Any]]
    hours: float = 5.0
    ruled: bool = False
    listed: bool = True


def person(**columns: Any) -> Callable[[Story], Awaitable[UUID]]:
    return lambda s: s.world.technician(**columns)


def changes(**columns: Any) -> Callable[[Story, UUID, Booking], Awaitable[Any]]:
    return lambda s, one, _: s.change(one, **columns)


def seen_at(lat: float, lng: float) -> Callable[[Story, UUID, Booking], Awaitable[Any]]:
    async def end(s: Story, one: UUID, booking: Booking) -> None:
        # Long enough for the way.
        await s.world.advance(minutes=30)
        s.world.see(one, lat, lng)

    return end


async def goes_online(s: Story, one: UUID, booking: Booking) -> None:
    await s.tx(lambda tx: presence.set_available(tx, one, True))


async def is_back_from_the_dark(s: Story, one: UUID, booking: Booking) -> None:
    await s.world.execute("UPDATE technicians SET dark_since = app_now() WHERE id = $1", one)
    s.world.see(one, *KOLKATA)
    await s.world.services.tracker.flush()


async def is_verified(s: Story, one: UUID, booking: Booking) -> None:
    await s.tx(lambda tx: technicians.judge(tx, one, STAFF, "verified", None))


async def registers_and_is_verified(s: Story, one: UUID, booking: Booking) -> None:
    profile = technicians.Profile("New", "+911234500077", ["Facial"], ["Minimal"], base=KOLKATA)
    shift = presence.Shift([1, 2, 3, 4, 5, 6, 7], 0, 1440)
    made = await s.tx(lambda tx: technicians.create(tx, profile, [shift], STAFF))
    await is_verified(s, made.id, booking)
    s.kept["who"] = made.id


async def search_is_wider(s: Story, one: UUID, booking: Booking) -> None:
    await s.tx(lambda tx: settings.update(tx, STAFF, {"search_radius_km": 40}))


async def begins_to_go_by_where_they_are(s: Story, one: UUID, booking: Booking) -> None:
    """Their base is far and they are near, which counts from two hours before the start."""
    await s.world.advance(hours=booking_hours(s, booking) - 1.9)
    for who in (one, s.kept["helper"]):
        s.world.see(who, *KOLKATA)


def booking_hours(s: Story, booking: Booking) -> float:
    return (booking.starts_at - s.world.now).total_seconds() / 3600


async def of_the_north(s: Story) -> UUID:
    return await s.world.technician(zone_id=await s.zone("north", NORTH))


async def zone_is_drawn_anew(s: Story, one: UUID, booking: Booking) -> None:
    """The place lies in the technician's zone now, which is the smaller one there."""
    lat, lng = KOLKATA
    ring = [[lng - 0.02, lat - 0.02], [lng + 0.02, lat - 0.02], [lng + 0.02, lat + 0.02], [lng - 0.02, lat + 0.02]]
    await s.zone("north", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


async def in_the_middle_of_the_north(s: Story) -> UUID:
    """Without a base: theirs is the middle of their zone, which is far; and their zone is the booking's."""
    await s.world.execute("UPDATE zones SET centre_lat = 23.0")
    await s.world.services.zones.reload()
    return await s.world.technician(base_lat=None, base_lng=None, seen=False)


async def its_middle_moves(s: Story, one: UUID, booking: Booking) -> None:
    code = await s.world.value("SELECT code FROM zones")
    await s.zone(code, SQUARE)
    # The loop reads whom the zones tell of.
    await loop_once(s.world)


async def loop_once(world: World) -> None:
    """One round of the roster's loop."""
    changed: asyncio.Event = asyncio.Event()
    world.services.roster.on_change(lambda _: changed.set())
    world.services.roster.loop.start()
    try:
        await asyncio.wait_for(changed.wait(), 60)
    finally:
        await world.services.roster.loop.stop()


async def works_days(s: Story, one: UUID, booking: Booking) -> None:
    shift = presence.Shift([1, 2, 3, 4, 5, 6, 7], 0, 1440)
    await s.tx(lambda tx: presence.set_working_hours(tx, one, [shift]))


async def off_today(s: Story) -> UUID:
    one = await s.world.technician()
    await s.tx(lambda tx: presence.take_off(tx, one, s.world.now.date()))
    await s.world.services.roster.refresh([one])
    return one


async def works_after_all(s: Story, one: UUID, booking: Booking) -> None:
    await s.tx(lambda tx: presence.work_again(tx, one, s.world.now.date()))


async def has_a_job_then(s: Story) -> UUID:
    one = await s.world.technician()
    s.kept["job"] = await s.world.book(hours=4.5)
    await s.world.accept(s.kept["job"].id, one)
    return one


async def its_customer_cancels(s: Story, one: UUID, booking: Booking) -> None:
    await s.tx(lambda tx: bookings.cancel(tx, s.kept["job"].id, CUSTOMER, None))


async def gives_it_back(s: Story, one: UUID, booking: Booking) -> None:
    await s.tx(lambda tx: jobs.give_back(tx, s.kept["job"].id, one, "ill"))


async def held_by_a_preview(s: Story) -> UUID:
    one = await s.world.technician()
    me = await s.world.customer()
    await s.world.execute(
        """
        WITH preview AS (
          INSERT INTO checkout_previews (account_id, items, duration_minutes, currency, timezone, subtotal_minor,
            savings_minor, discount_minor, tax_minor, grand_total_minor, expires_at)
          VALUES ($1, '[]', 60, 'INR', 'Asia/Kolkata', 0, 0, 0, 0, 0, app_now() + interval '10 minutes') RETURNING id
        )
        INSERT INTO slots (technician_id, technician_no, preview_id, state, during, expires_at)
        SELECT t.id, t.no, preview.id, 'held', tstzrange($2, $3), app_now() + interval '10 minutes'
        FROM technicians t, preview WHERE t.id = $4
        """,
        me, s.world.in_hours(4.5), s.world.in_hours(5.5), one,
    )  # fmt: skip
    return one


async def its_hold_ends(s: Story, one: UUID, booking: Booking) -> None:
    await s.world.advance(minutes=13)


async def rated_well(s: Story, one: UUID, booking: Booking) -> None:
    for _ in range(9):
        await s.tx(lambda tx: booking_rows.count_rating(tx.conn, technician_id=one, rating=5))


async def node_starts_with_less(s: Story, one: UUID, booking: Booking) -> None:
    services = s.world.services
    services.settings.dispatch.min_rating = 2.0
    await waking.wake_all(services)


async def rejects_it(s: Story) -> UUID:
    s.kept["rejects"] = True
    return await s.world.technician()


async def its_customer_moves_it(s: Story, one: UUID, booking: Booking) -> None:
    starts = booking.starts_at + timedelta(hours=20)
    await s.tx(lambda tx: bookings.reschedule(tx, booking.id, CUSTOMER, starts.replace(minute=30, second=0)))


async def holds_an_offer(s: Story) -> UUID:
    one = await s.world.technician()
    s.kept["job"] = await s.world.book(hours=0.2)
    return one


async def accepts_it(s: Story, one: UUID, booking: Booking) -> None:
    await s.world.accept(s.kept["job"].id, one)


async def lets_it_expire(s: Story, one: UUID, booking: Booking) -> None:
    await s.world.advance(minutes=5)
    s.world.see(one, *KOLKATA)


async def of_nobodys_provider(s: Story) -> UUID:
    """The organisation lets only one provider come, who has approved another one for emergencies."""
    assert s.home is not None
    crew = await provider(s.world, "Crew")
    await let_in(s, Preference(s.kept["office"]), others=False)
    s.kept["crew"] = crew
    return await s.world.technician(provider_id=crew)


async def provider(world: World, name: str) -> UUID:
    new = NewProvider(
        name=name, owner_name="Owner", owner_email=f"{name.lower()}@example.com", currency="INR",
        timezone="Asia/Kolkata",
    )  # fmt: skip
    async with world.services.transaction() as tx:
        return (await providers.create(tx, new, inviter="The house")).id


async def let_in(s: Story, *wanted: Preference, others: bool) -> None:
    home = s.home
    assert home is not None
    await s.tx(lambda tx: preferred_providers.replace_all(
        tx, home.by, list(wanted), prefers_first=True, allows_others=others
    ))  # fmt: skip


async def others_may_come(s: Story, one: UUID, booking: Booking) -> None:
    await let_in(s, Preference(s.kept["office"]), others=True)


async def an_emergency_lets_them_in(s: Story, one: UUID, booking: Booking) -> None:
    home = s.home
    assert home is not None
    protocol = {"triggerEvents": ["flood"], "responseLevels": ["alert1"], "authorities": ["mayor"]}
    approved = {"preApproved": [str(s.kept["crew"])], "autoActivate": True}
    new = NewProgram(
        "emergency_response", "Floods", details={"activationProtocol": protocol, "providers": approved}, is_active=False
    )
    async with s.world.services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
        await program_rows.bind(tx.conn, id=program.id, booking_id=booking.id)
        await programs.activate(tx, home.by, program.id, "flood", "alert1", "mayor")


async def blocked(s: Story) -> UUID:
    one = await s.world.technician()
    await s.world.execute(
        "INSERT INTO technician_blocks (account_id, technician_id) VALUES ($1, $2)", s.kept["me"], one
    )
    return one


async def block_is_lifted(s: Story, one: UUID, booking: Booking) -> None:
    await s.world.execute("DELETE FROM technician_blocks WHERE technician_id = $1", one)


NEAR_BASE = (KOLKATA[0] + 0.01, KOLKATA[1])
LATE = {"rating_sum": 6, "rating_count": 2}
#: Every reason, and every way in which it ends without anybody who assigns.
WAYS = [
    Ends("offline", "comes online", person(is_available=False), goes_online, 1.5),
    Ends("offline", "is heard of again", person(is_available=False), is_back_from_the_dark, 1.5),
    Ends("stale_fix", "is seen again", person(seen=False), seen_at(*KOLKATA), 1.5),
    Ends("no_position", "has a base", person(base_lat=None, base_lng=None, zone_id=None, seen=False),
         changes(base=NEAR_BASE), listed=False),
    Ends("no_position", "is seen for the first time", person(base_lat=None, base_lng=None, zone_id=None, seen=False),
         seen_at(*KOLKATA), 1.5, listed=False),
    Ends("category", "learns it", person(categories=("Spa",)), changes(categories=["Facial"])),
    Ends("tier", "is promoted", person(tiers=["Exclusive"]), changes(tiers=["Minimal"])),
    Ends("not_verified", "is verified", person(onboarding_status="pending"), is_verified),
    Ends("not_verified", "somebody new is", person(onboarding_status="pending"), registers_and_is_verified),
    Ends("outside_radius", "goes farther", person(service_radius_m=500), changes(radius_m=9000)),
    Ends("outside_radius", "moves", person(km_north=12), changes(base=NEAR_BASE)),
    Ends("outside_radius", "drives near", person(km_north=12), seen_at(*NEAR_BASE), 1.5),
    Ends("outside_radius", "drives near from far", person(km_north=FAR_KM), seen_at(*NEAR_BASE), 1.5, listed=False),
    Ends("outside_radius", "the horizon begins", person(km_north=FAR_KM), begins_to_go_by_where_they_are, listed=False),
    Ends("outside_radius", "the search is wider", person(km_north=14, service_radius_m=40_000), search_is_wider),
    Ends("outside_radius", "the middle of the zone moves", in_the_middle_of_the_north, its_middle_moves, listed=False),
    Ends("outside_zone", "changes zones", of_the_north, lambda s, one, _: s.change(one, zone_id=s.world.zone_id)),
    Ends("outside_zone", "the zone is drawn anew", of_the_north, zone_is_drawn_anew),
    Ends("working_hours", "works longer", person(working_hours=NIGHTS), works_days),
    Ends("working_hours", "works on a day off", off_today, works_after_all),
    Ends("busy_then", "the job is cancelled", has_a_job_then, its_customer_cancels),
    Ends("busy_then", "gives the job back", has_a_job_then, gives_it_back),
    Ends("busy_then", "a hold ends", held_by_a_preview, its_hold_ends),
    Ends("rating", "is rated better", person(**LATE), rated_well),
    Ends("rating", "the server starts with a lower one", person(**LATE), node_starts_with_less),
    Ends("already_tried", "the booking is moved", rejects_it, its_customer_moves_it),
    Ends("offer_open", "accepts", holds_an_offer, accepts_it, 1.8),
    Ends("offer_open", "does not answer", holds_an_offer, lets_it_expire, 1.8),
    Ends("org_rule", "others may come", of_nobodys_provider, others_may_come, ruled=True),
    Ends("org_rule", "an emergency", of_nobodys_provider, an_emergency_lets_them_in, ruled=True),
    Ends("blocked", "the block is lifted", blocked, block_is_lifted),
    Ends("blocked", "works again", person(is_active=False, seen=False), changes(is_active=True), listed=False),
]  # fmt: skip


def test_every_reason_has_an_end() -> None:
    """Whoever adds a reason says here how it ends, and by which hint a booking hears of that."""
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


# ---------------------------------------------------------------- many at once


@pytest.fixture
async def narrow(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[World]:
    """A world in which a technician holds one open offer at most."""
    made = await make_world(fresh_pool, tmp_path, dispatch={"open_offers": 1})
    yield made
    await made.services.bus.close()


async def waiting_copies(world: World, count: int, *, hours: float, step_s: float, **columns: Any) -> list[UUID]:
    """So many bookings that wait for a fact to change, the last to start made first."""
    me = await world.customer()
    found = await world.fetch(
        """
        INSERT INTO bookings (number, account_id, address, zone_id, lat, lng, timezone, local_date, local_time,
          starts_at, ends_at, categories, tiers, payment_method, currency, subtotal_minor, savings_minor,
          discount_minor, tax_minor, grand_total_minor, priority, looks, queued_at, queue_reason, next_action,
          next_action_at)
        SELECT 'W-' || $8 || n, $1, '{}', $2, $3, $4, 'Asia/Kolkata', app_now()::date, '12:00', starts,
          starts + interval '20 minutes', '{Facial}', '{Minimal}', 'cash', 'INR', 0, 0, 0, 0, 0, $7, 1,
          app_now() - make_interval(secs => n), 'no_candidate', 'start', starts
        FROM (
          SELECT n, app_now() + make_interval(secs => ($5::float8 + n * $6::float8)) AS starts
          FROM generate_series($9::int, 1, -1) n) x
        RETURNING id, starts_at
        """,
        me, world.zone_id, *KOLKATA, hours * 3600, step_s, columns.get("priority", 0), columns.get("stem", ""), count,
    )  # fmt: skip
    return [r["id"] for r in sorted(found, key=lambda r: r["starts_at"])]


async def test_two_hundred_wait_and_twenty_come_online(world: World) -> None:
    """Each of the first twenty is looked at, and gets an offer; of the others nobody is."""
    made = await waiting_copies(world, 200, hours=1.4, step_s=1)
    people = [await world.technician(is_available=False) for _ in range(20)]
    await Sweeper(world.services).sweep()
    await world.execute("UPDATE technicians SET is_available = true")
    await world.services.roster.refresh(people)
    with counted(world.services.pool) as asked:
        await Sweeper(world.services).sweep()
    offered = await world.fetch("SELECT booking_id FROM offers WHERE state = 'open'")
    assert {r["booking_id"] for r in offered} == set(made[:20])
    # Those who work on several of them at once may meet at one technician; nobody else looks in vain.
    looks = await world.value("SELECT sum(looks)::int FROM match_attempts")
    assert 20 <= looks <= 40
    assert sum("AS is_first_taken" in one for one in asked) <= 2 + looks - 20
    assert sum("What waits around" in one for one in asked) <= 3 * (2 + looks - 20)
    # What the roster says of them again wakes nobody: their place is taken.
    await world.services.roster.refresh(people)
    with counted(world.services.pool) as asked:
        await Sweeper(world.services).sweep()
    assert len(asked) <= 20, asked
    assert await world.value("SELECT sum(looks)::int FROM match_attempts") == looks


async def test_the_most_important_and_then_the_first_to_start_is_served_first(world: World) -> None:
    later = await waiting_copies(world, 3, hours=5, step_s=7200)
    important = await waiting_copies(world, 2, hours=40, step_s=7200, priority=1, stem="I")
    await world.technician(working_hours=AROUND_THE_CLOCK)
    await world.sweep()
    offered = await world.fetch("SELECT booking_id FROM offers")
    assert {r["booking_id"] for r in offered} == {*important, later[0]}


async def test_whoever_fits_behind_many_who_do_not_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More wait around a technician than are looked through at once, and only the last is in their hours."""
    monkeypatch.setattr(waking, "LISTED", 2)
    monkeypatch.setattr(waking, "MOST_LISTED", 8)
    await waiting_copies(world, 17, hours=4, step_s=60)
    [mine] = await waiting_copies(world, 1, hours=12.2, step_s=0, stem="N")
    one = await world.technician(working_hours=NIGHTS)
    await world.sweep()
    assert await world.open_offer(mine) is not None
    assert await world.value("SELECT count(*) FROM match_attempts") == 1
    assert (await world.open_offer(mine))["technician_id"] == one


async def test_what_somebody_works_on_is_not_waited_for_and_not_forgotten(narrow: World) -> None:
    one, two = await waiting_copies(narrow, 2, hours=24, step_s=3600)
    await narrow.technician()
    services = narrow.services

    def held(tx: Tx) -> Any:
        return offers.lock(tx, one)

    async def wake(tx: Tx) -> int:
        return await waking.wake(services)

    assert (await side_by_side(services, held, wake))[1] == 0
    assert await narrow.value("SELECT array_agg(next_action ORDER BY starts_at) FROM bookings") == ["start", "start"]
    # It is the first one's turn still.
    await narrow.sweep()
    assert await narrow.open_offer(one) is not None and await narrow.open_offer(two) is None

    async def wake_all(tx: Tx) -> int:
        return await rows.wake_all(tx.conn, organisation_id=None, after_s=0.0)

    await waiting_copies(narrow, 1, hours=90, step_s=0, stem="L")
    assert (await side_by_side(services, lambda tx: offers.lock(tx, two), wake_all))[1] == 1


async def test_two_nodes_wake_at_once(world: World) -> None:
    made = await waiting_copies(world, 12, hours=24, step_s=7200)
    for _ in range(3):
        await world.technician(working_hours=AROUND_THE_CLOCK)
    # The other node has heard of the same.
    other = await runtime.assemble(world.services.settings, world.services.pool, world.services.bus)
    other.clock.set(world.services.clock.reading)
    for services in (world.services, other):
        for person in services.roster:
            services.freed.put(person.id)
    before = await turns.deadlocks(world.services)
    await asyncio.gather(Sweeper(world.services).sweep(), Sweeper(other).sweep())
    await world.sweep()
    offered = await world.fetch("SELECT booking_id FROM offers WHERE state = 'open'")
    assert {r["booking_id"] for r in offered} <= set(made) and len(offered) == 9
    assert await turns.deadlocks(world.services) == before


# ---------------------------------------------------------------- trouble


async def test_news_outlives_a_database_that_goes_away(narrow: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is due does not wait for it."""
    [made] = await waiting_copies(narrow, 1, hours=24, step_s=0)
    await narrow.technician(km_north=1)
    real = rows.around

    async def away(*args: Any, **given: Any) -> Any:
        raise StorageError("the connection was closed")

    monkeypatch.setattr(rows, "around", away)
    narrow.services.freed.put_rule(None)
    due = await narrow.book(hours=30, auto_assign=False, dispatch=False)
    for done in (1, 0):
        assert await narrow.sweep() == done
    assert (await narrow.booking(due.id)).queue_reason == "manual"
    monkeypatch.setattr(rows, "around", real)
    await narrow.sweep()
    assert await narrow.open_offer(made) is not None


async def test_a_database_that_restarts_in_the_middle_of_a_look_delays_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await world.technician()
    booking = await world.book(hours=5, dispatch=False)
    real = candidates.judge

    async def judge(conn: Conn, *args: Any) -> Any:
        monkeypatch.setattr(candidates, "judge", real)
        await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(candidates, "judge", judge)
    assert await Sweeper(world.services).sweep() == 1
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.next_action) == ("pending", "dispatch")
    await world.advance(seconds=30)
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_a_change_during_a_look_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is verified after a look has refused them, and before it has said that it waits, is a hint to it still."""
    helper = await world.technician(km_north=2)
    one = await world.technician(onboarding_status="pending")
    booking = await world.book(hours=5)
    await world.sweep()
    real = candidates.judge

    async def judge(*args: Any) -> Any:
        seen = await real(*args)
        monkeypatch.setattr(candidates, "judge", real)
        await world.execute("UPDATE technicians SET onboarding_status = 'verified' WHERE id = $1", one)
        await world.services.roster.refresh([one])
        # The booking is held: what was heard is dealt with, and wakes nobody.
        await waking.wake(world.services)
        return seen

    monkeypatch.setattr(candidates, "judge", judge)
    await world.reject(booking.id, helper)
    assert (await world.booking(booking.id)).status == "pending"
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_a_rule_that_changes_during_a_look_is_looked_at_again(world: World) -> None:
    [made] = await waiting_copies(world, 1, hours=24, step_s=0)
    async with world.services.transaction() as tx:
        await offers.lock(tx, made)
        async with world.services.transaction() as other:
            assert await waking.rules_changed(other) == 0
    # Some seconds later every node goes by the rule.
    world.services.freed.put_rule(None)
    await world.sweep()
    assert (await world.booking(made)).next_action == "look"


@pytest.mark.parametrize("change", ["is_active = false", "onboarding_status = 'rejected'"])
async def test_an_offer_to_whoever_stopped_working_meanwhile_goes_to_others(world: World, change: str) -> None:
    """The look commits its offer after the technician was let go: within a moment it is somebody else's."""
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book(hours=5)
    assert (await world.open_offer(booking.id))["technician_id"] == one
    await world.execute(f"UPDATE technicians SET {change} WHERE id = $1", one)
    await world.services.roster.refresh()
    await world.sweep()
    offer = await world.open_offer(booking.id)
    assert (offer["technician_id"], offer["attempt"]) == (two, 1)
    assert await world.value("SELECT state FROM offers WHERE technician_id = $1", one) == "withdrawn"


async def test_no_offer_is_made_to_whoever_stopped_working(world: World) -> None:
    """This node has not heard of it yet."""
    one = await world.technician()
    booking = await world.book(hours=5, dispatch=False)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", one)
    await world.sweep()
    assert await world.open_offer(booking.id) is None
    assert (await world.booking(booking.id)).status == "pending"


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=7), timedelta(hours=-1)])
async def test_a_nodes_clock_that_jumps_gives_nobody_up(narrow: World, ahead: timedelta) -> None:
    one = await narrow.technician()
    first, second = await narrow.book(hours=30), await narrow.book(hours=6)
    assert second.waits_for == ["offer_open"]
    real = narrow.services.clock.reading
    narrow.services.clock.set(narrow.services.clock.shifted(ahead))
    await narrow.execute("UPDATE bookings SET next_action_at = app_now() WHERE id = $1", second.id)
    await Sweeper(narrow.services).sweep()
    looked = await narrow.booking(second.id)
    assert looked.queue_reason == "no_candidate" and looked.looks == 2
    narrow.services.clock.set(real)
    if looked.next_action == "look":
        assert looked.next_action_at is not None and looked.next_action_at <= narrow.now + timedelta(seconds=900)
    await narrow.accept(first.id, one)
    await asyncio.sleep(0)
    await narrow.sweep()
    assert (await narrow.open_offer(second.id))["technician_id"] == one


async def test_waking_walks_the_index_of_those_who_wait(world: World) -> None:
    async with world.services.transaction() as tx:
        await tx.conn.execute("SET LOCAL enable_seqscan = off")
        await tx.conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        plans = []
        given_to = {rows.around: "'{}', '{}', '{}', '{}', '{}', '{}', NULL, 0, NULL, 1", rows.near_start: "now()"}
        for statement, given in given_to.items():
            await tx.conn.execute(f"PREPARE asked AS {statement.text}")
            found = await tx.conn.fetch(f"EXPLAIN EXECUTE asked ({given})")
            plans.append("\n".join(r[0] for r in found))
            await tx.conn.execute("DEALLOCATE asked")
    assert "bookings_looking" in plans[0] and "Index Cond: ((starts_at > " in plans[1], plans
    assert not any("Seq Scan on bookings b" in plan for plan in plans)
