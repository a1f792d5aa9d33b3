"""Every reason against a technician: who is refused by it, and each way in which it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from dispatch.engine import bookings, jobs, presence, rescheduling, settings, waking, zones
from dispatch.engine.zones import ZoneIn
from dispatch.events import Actor
from dispatch.parties import preferred_providers, programs, providers, technicians
from dispatch.parties.preferred_providers import Preference
from dispatch.parties.programs import NewProgram
from dispatch.parties.providers import NewProvider
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import programs as program_rows
from storage.bookings import Booking
from tests.dispatch.engine.waiting import NIGHTS
from tests.organisations import Home
from tests.world import KOLKATA, SQUARE, World

STAFF, CUSTOMER = Actor("admin", "7"), Actor("customer")
NORTH = {
    "type": "Polygon",
    "coordinates": [[[88.2, 22.8], [88.6, 22.8], [88.6, 23.2], [88.2, 23.2], [88.2, 22.8]]],
}
FAR_KM = 25.0
NEAR_BASE = (KOLKATA[0] + 0.01, KOLKATA[1])
LATE = {"rating_sum": 6, "rating_count": 2}


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
    await s.tx(lambda tx: rescheduling.reschedule(tx, booking.id, CUSTOMER, starts.replace(minute=30, second=0)))


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
