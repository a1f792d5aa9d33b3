"""Gathers who could do a job and what is known of them now: the input of matching."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from dispatch.engine.matching import Candidate, Job, Judged, Policy, Weights, rank, refusal
from dispatch.live.roster import Technician
from dispatch.localtime import local
from geo.eta import travel_buffer_s
from geo.geodesy import haversine_m
from storage import candidates as candidate_rows
from storage.bookings import Booking
from storage.database.pool import Conn
from storage.queue import Asked

if TYPE_CHECKING:
    from dispatch.services import Services

#: How many of the nearest are explained even though a filter refuses them.
EXPLAINED = 10
#: Where few are, they are looked for a little beyond the radius, so that "outside_radius" can be said.
EXPLAIN_FACTOR = 1.5
#: The search takes so many of the index at first, and twice as many while none of them will do.
FIRST_LOOK, LAST_LOOK = 20, 1280


@dataclass(frozen=True, slots=True)
class Place:
    """Where and what: enough to ask who could do it. Degrees; words of the catalogue."""

    lat: float
    lng: float
    zones: frozenset[UUID]
    timezone: str
    categories: frozenset[str]
    tiers: frozenset[str]


#: What is read to tell who could do it: a booking, or what one asks for that waits or is about to be opened.
AnyAsked = Booking | Asked


# As Candidate: many are made for a search.
@dataclass(slots=True)
class Reachable:
    """A technician with the distance from where they would start (None: nobody knows where they are)."""

    technician: Technician
    distance_m: float | None
    fix_age_s: float | None = None
    is_dispatchable: bool = True

    @property
    def travel_s(self) -> float:
        return travel_buffer_s(self.distance_m or 0.0)


def policy_of(services: Services) -> Policy:
    """The policy that the settings describe."""
    s = services.settings.dispatch
    weights = Weights(s.weights.distance, s.weights.rating, s.weights.availability, s.weights.reliability)
    return Policy(radius_m=s.radius_m, min_rating=s.min_rating, fresh_fix_s=s.fresh_fix_s, weights=weights)


def is_live(services: Services, starts_at: datetime, now: datetime) -> bool:
    """Whether fresh positions decide: the job starts within the live horizon (2 hours)."""
    return starts_at - now < timedelta(seconds=services.settings.dispatch.live_horizon_s)


def reach(services: Services, person: Technician, place: Place, live: bool) -> Reachable:
    """How far the technician is: from the last fix for a job that starts soon, else from their base."""
    seen = services.tracker.find(person.no) if live else None
    if seen is not None:
        age = services.clock.timestamp() - seen.fix_at_s
        return Reachable(person, haversine_m(seen.lat, seen.lng, place.lat, place.lng), age, seen.is_dispatchable)
    if person.base is None:
        return Reachable(person, None)
    return Reachable(person, haversine_m(*person.base, place.lat, place.lng))


def near(services: Services, place: Place, live: bool, policy: Policy, limit: int) -> list[Reachable]:
    """The nearest who have the skills, then the nearest of the others around them (to say why not)."""
    roster = services.roster
    skills, tiers = roster.skills.mask(place.categories), roster.tier_bits.mask(place.tiers)
    index = services.tracker.fleet if live else roster.bases
    around = index.around(
        place.lat, place.lng, policy.radius_m, skill_mask=skills, tier_mask=tiers, min_rating=policy.min_rating,
        available_only=live, wanted=limit, others=EXPLAINED, others_m=policy.radius_m * EXPLAIN_FACTOR,
    )  # fmt: skip
    numbers = [*around.fit.keys.tolist(), *around.others.keys.tolist()]
    if not live:
        # Measured from their bases, as the index has done.
        measured = zip(numbers, [*around.fit.distances_m.tolist(), *around.others.distances_m.tolist()], strict=True)
        return [Reachable(person, off_m) for no, off_m in measured if (person := roster.by_no(no)) is not None]
    # Who lives here and is not on the map is worth a word too.
    at_base = roster.bases.around(
        place.lat, place.lng, policy.radius_m, available_only=False, wanted=EXPLAINED, others=0, others_m=0.0
    )
    numbers += at_base.fit.keys.tolist()
    people = (roster.by_no(no) for no in dict.fromkeys(numbers))
    return [reach(services, person, place, True) for person in people if person is not None]


def seen_near(services: Services, place: Place, policy: Policy) -> list[int]:
    """The numbers of the nearest who are on the map with a fresh fix, available, and have the skills."""
    hits = services.tracker.fleet.match(
        place.lat, place.lng, policy.radius_m, skill_mask=services.roster.skills.mask(place.categories),
        tier_mask=services.roster.tier_bits.mask(place.tiers), min_rating=policy.min_rating,
        fresh_after_s=services.clock.timestamp() - policy.fresh_fix_s, limit=LAST_LOOK,
    )  # fmt: skip
    return [int(no) for no in hits.keys]


def out_of_sight(services: Services, place: Place, policy: Policy) -> list[Reachable]:
    """The nearest who have the skills for a job that starts soon, online or not: for whom it may wait."""
    skills, tiers = services.roster.skills.mask(place.categories), services.roster.tier_bits.mask(place.tiers)
    found: dict[int, None] = {}
    for index in (services.tracker.fleet, services.roster.bases):
        hits = index.match(
            place.lat, place.lng, policy.radius_m, skill_mask=skills, tier_mask=tiers, min_rating=policy.min_rating,
            limit=EXPLAINED, available_only=False,
        )  # fmt: skip
        found |= dict.fromkeys(hits.keys.tolist())
    people = (services.roster.by_no(no) for no in found)
    return [reach(services, person, place, True) for person in people if person is not None]


def open_offers(services: Services, live: bool) -> int:
    """How many open offers a technician may hold: the setting; of jobs that start soon one."""
    return 1 if live else services.settings.dispatch.open_offers


def place_of(services: Services, booking: AnyAsked) -> Place:
    """Where a booking is to be done: by whoever works in the zone in which it was booked, or in which it lies now."""
    lies_in = services.zones.locate(booking.lat, booking.lng)
    zones = (booking.zone_id, lies_in.id if lies_in is not None else None)
    return Place(
        booking.lat, booking.lng, frozenset(one for one in zones if one is not None), booking.timezone,
        frozenset(booking.categories), frozenset(booking.tiers),
    )  # fmt: skip


def job_of(place: Place, starts_at: datetime, ends_at: datetime, live: bool, booking_id: UUID, account_id: UUID) -> Job:
    start, end = local(starts_at, place.timezone), local(ends_at, place.timezone)
    return Job(booking_id, account_id, place.categories, place.tiers, place.zones, start, end, live)


def asked_of(services: Services, booking: AnyAsked, now: datetime) -> tuple[Place, Job]:
    """What a booking asks for now: its place, and the job that is to be matched."""
    place, live = place_of(services, booking), is_live(services, booking.starts_at, now)
    return place, job_of(place, booking.starts_at, booking.ends_at, live, booking.id, booking.account_id)


def works_then(person: Technician, booking: Booking) -> bool:
    """Whether the booking lies within the technician's working hours."""
    start, end = local(booking.starts_at, booking.timezone), local(booking.ends_at, booking.timezone)
    return person.hours.cover(start, end)


def days_of(person: Technician, booking: Booking) -> list[date]:
    """The days of which each, taken off by the technician, takes the booking from them.

    Of those that are known as taken off the hours have said already what they take: whoever works until two in the
    night still ends the shift of the evening before.
    """
    start, end = local(booking.starts_at, booking.timezone), local(booking.ends_at, booking.timezone)
    return [day for day in person.hours.days_of(start, end) if day not in person.hours.days_off]


def could_take(
    services: Services, person: Technician, place: Place, job: Job, policy: Policy, now: datetime
) -> bool:
    """Whether nothing that a node has in memory refuses the technician; what only rows say is not asked."""
    return refusal(candidate(reach(services, person, place, job.is_live), now), job, policy) is None


def candidate(
    found: Reachable,
    now: datetime,
    *,
    busy: bool = False,
    tried: bool = False,
    offered: bool = False,
    offer_ends_at: datetime | None = None,
    blocked: bool = False,
    allowed: bool = True,
    preference: int | None = None,
) -> Candidate:
    """The facts about one technician, in the form that matching reads."""
    t = found.technician
    return Candidate(
        id=t.id, no=t.no, categories=t.categories, tiers=t.tiers, zone_id=t.zone_id, hours=t.hours,
        radius_m=t.radius_m, rating=t.rating, cancellation_rate=t.cancellation_rate,
        idle_s=(now - t.idle_since).total_seconds(), distance_m=found.distance_m,
        is_active=t.is_active, is_verified=t.is_verified, is_online=t.is_available,
        fix_age_s=found.fix_age_s, is_dispatchable=found.is_dispatchable, is_busy_then=busy,
        was_tried=tried, has_open_offer=offered, offer_ends_at=offer_ends_at, is_blocked=blocked,
        is_allowed_by_organisation=allowed, preference=preference,
    )  # fmt: skip


async def judge(conn: Conn, services: Services, booking: AnyAsked, now: datetime) -> tuple[list[Judged], Policy]:
    """Everyone worth a word about this booking, ranked, the best first; looks further while nobody nearer will do."""
    policy = policy_of(services)
    place, job = asked_of(services, booking, now)
    # Whoever is preferred is asked before who is nearer, so it is looked for them too.
    prefers = booking.organisation_id is not None and await candidate_rows.prefers(
        conn, organisation_id=booking.organisation_id, booking_id=booking.id,
        categories=[c.lower() for c in booking.categories],
    )  # fmt: skip
    limit, told = FIRST_LOOK, dict[UUID, Candidate]()
    while True:
        found = near(services, place, job.is_live, policy, limit)
        # What is known of the nearer ones was read already.
        new = [f for f in found if f.technician.id not in told]
        told |= {one.id: one for one in await _with_facts(conn, services, booking, new, now)}
        judged = rank([told[f.technician.id] for f in found], job, policy)
        if judged and judged[0].reason is None and (not prefers or judged[0].candidate.preference is not None):
            return judged, policy
        if not new or limit >= LAST_LOOK:
            break
        limit *= 2
    if job.is_live:
        hidden = [f for f in out_of_sight(services, place, policy) if f.technician.id not in told]
        told |= {one.id: one for one in await _with_facts(conn, services, booking, hidden, now)}
        judged = rank([told[f.technician.id] for f in (*found, *hidden)], job, policy)
    return judged, policy


async def judge_one(
    conn: Conn, services: Services, booking: Booking, person: Technician, now: datetime
) -> tuple[Judged, Policy]:
    """The same verdict about one technician whom staff named."""
    policy = policy_of(services)
    place, job = asked_of(services, booking, now)
    found = [reach(services, person, place, job.is_live)]
    return rank(await _with_facts(conn, services, booking, found, now, asks_again=True), job, policy)[0], policy


async def _with_facts(
    conn: Conn,
    services: Services,
    booking: AnyAsked,
    found: list[Reachable],
    now: datetime,
    *,
    asks_again: bool = False,
) -> list[Candidate]:
    """Those found, with what the database knows of them. `asks_again`: who was tried may be asked all the same.

    Of those without the skills, who are there to be named, nothing more is asked.
    """
    most = open_offers(services, False)
    places = set(range(1, open_offers(services, is_live(services, booking.starts_at, now)) + 1))
    categories, tiers = set(booking.categories), set(booking.tiers)
    fit = [f for f in found if categories <= f.technician.categories and tiers <= f.technician.tiers]
    if not fit:
        return [candidate(f, now) for f in found]
    asked = {
        "ids": [f.technician.id for f in fit],
        "from_ats": [booking.starts_at - timedelta(seconds=f.travel_s) for f in fit], "to_at": booking.ends_at,
        "booking_id": booking.id, "round": booking.round if isinstance(booking, Booking) else 1,
        "account_id": booking.account_id,
    }  # fmt: skip
    if booking.organisation_id is None:
        rows = await candidate_rows.known(conn, **asked)
    else:
        rows = await candidate_rows.known_to_organisation(
            conn, **asked, organisation_id=booking.organisation_id, categories=[c.lower() for c in booking.categories]
        )
    known = {row.technician_id: row for row in rows}
    return [
        candidate(
            f, now, busy=row.is_busy, tried=row.was_tried and not asks_again,
            offered=len(row.places) >= most or places <= set(row.places), offer_ends_at=row.first_ends_at,
            blocked=row.is_blocked, allowed=row.is_allowed, preference=row.preference,
        ) if (row := known.get(f.technician.id)) else candidate(f, now)
        for f in found
    ]  # fmt: skip
