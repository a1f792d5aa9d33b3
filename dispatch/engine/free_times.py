"""When somebody could come. One rule lists the times and books them: what is shown can be booked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from dispatch.engine import candidates
from dispatch.engine.candidates import Place, Reachable
from dispatch.engine.matching import Candidate, Job, is_refused_always, is_refused_then
from dispatch.errors import Conflict, Invalid
from dispatch.localtime import local, to_utc, twelve_hour
from dispatch.services import Services
from dispatch.wording import counted
from storage import slots as rows
from storage.database.pool import Conn

#: Times are offered in half hours (R61).
STEP = timedelta(minutes=30)
#: The nearest so many are looked at first, and more only for times at which none of them could come.
LOOKS = (20, 80, 320, 1280)

#: Why a day has no free time, by code, in words for the person who asked.
NO_TIME = {
    "not_served": "Nobody near this address offers this yet.",
    "not_together": "Nobody near this address offers all of these services in one visit; book them one by one.",
    "out_of_hours": "Nobody near this address works for so long on this day.",
    "fully_booked": "Everybody near this address is booked on this day.",
    "closed": "No visits are made here on this day, or this one would not end before closing time.",
    "too_late": "It is too late for a visit on this day.",
}
#: Those that hold on every other day as well.
EVERY_DAY = frozenset({"not_served", "not_together"})


class SlotTaken(Conflict):
    """This time is no longer free."""

    code = "slot_taken"


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody wants to book, before it is a booking."""

    account_id: UUID
    lat: float
    lng: float
    zone_id: UUID | None
    timezone: str
    duration_minutes: int
    categories: tuple[str, ...]
    tiers: tuple[str, ...]
    #: In an emergency somebody may come at once.
    is_urgent: bool = False

    @property
    def place(self) -> Place:
        return self.place_for(self.categories, self.tiers)

    def place_for(self, categories: Iterable[str], tiers: Iterable[str]) -> Place:
        """Where it is, for a part of what is wanted."""
        zones = frozenset(() if self.zone_id is None else (self.zone_id,))
        return Place(self.lat, self.lng, zones, self.timezone, frozenset(categories), frozenset(tiers))

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)


@dataclass(frozen=True, slots=True)
class Times:
    """The free starts of a day (aware UTC, rising); where there is none, the code of why (NO_TIME)."""

    starts: list[datetime]
    none_because: str | None = None


# ---------------------------------------------------------------- which times there are


def day_starts(services: Services, need: Need, day: date) -> list[datetime]:
    """Every half hour of the zone's opening hours on a local day at which the job would end in time.

    A half hour that the clocks skip is the one they jump to; of one that they show twice it is the first.
    """
    opens, closes, days = services.zones.hours(need.zone_id)
    if day.isoweekday() not in days:
        return []
    last = to_utc(day, closes, need.timezone) - need.duration
    return [start for start in _half_hours(day, opens, closes, need.timezone) if start <= last]


@lru_cache(maxsize=1000)
def _half_hours(day: date, opens: time, closes: time, timezone: str) -> tuple[datetime, ...]:
    begin = datetime.combine(day, opens)
    minutes = range(0, 24 * 60, int(STEP.total_seconds() // 60))
    faces = (begin + timedelta(minutes=m) for m in minutes)
    return tuple(sorted({to_utc(day, at.time(), timezone) for at in faces if at.date() == day and at.time() < closes}))


def bookable_from(services: Services, need: Need) -> datetime:
    lead_s = 0.0 if need.is_urgent else services.settings.dispatch.lead_s
    return services.clock.now() + timedelta(seconds=lead_s)


def last_day(services: Services, timezone: str) -> date:
    """The last day on a place's calendar that can be booked, up to its closing time."""
    today = local(services.clock.now(), timezone).date()
    return today + timedelta(days=services.settings.dispatch.max_advance_days)


def is_start(services: Services, need: Need, starts_at: datetime) -> bool:
    """Whether bookings may start then at all: on the grid of an open day, neither too soon nor too far ahead."""
    day = local(starts_at, need.timezone).date()
    in_reach = bookable_from(services, need) <= starts_at and day <= last_day(services, need.timezone)
    return in_reach and starts_at in day_starts(services, need, day)


def check_day(services: Services, day: date, timezone: str) -> None:
    """Raises Invalid naming booking_date unless it is today to the last bookable day, on the address's calendar."""
    if day < local(services.clock.now(), timezone).date():
        raise Invalid({"booking_date": "This day is over."})
    if day > last_day(services, timezone):
        most = counted(services.settings.dispatch.max_advance_days, "day")
        raise Invalid({"booking_date": f"Bookings can be made at most {most} ahead."})


def check_start(services: Services, need: Need, day: date, at: time) -> datetime:
    """The moment of a local date and time. Raises Invalid naming the field that is out of what can be booked."""
    check_day(services, day, need.timezone)
    starts_at = to_utc(day, at, need.timezone)
    if starts_at not in day_starts(services, need, day):
        raise Invalid({"booking_time": "This is not one of the times at which bookings start that day."})
    if starts_at < bookable_from(services, need):
        raise Invalid({"booking_time": "This time is over, or too soon for anybody to come."})
    return starts_at


# ---------------------------------------------------------------- which of them are free


async def times(conn: Conn, services: Services, need: Need, day: date) -> Times:
    """The starts on a local day at which at least one technician could come. One's own holds are in nobody's way."""
    whole = day_starts(services, need, day) if day <= last_day(services, need.timezone) else []
    starts = [start for start in whole if start >= bookable_from(services, need)]
    if not starts:
        return Times([], "too_late" if whole else "closed")
    free: set[datetime] = set()
    has_fit = has_hours = False
    around = Rings(conn, services, need, starts[0], starts[-1] + need.duration)
    while len(free) < len(starts) and (ring := await around.next()) is not None:
        free.update(start for start in starts if start not in free and ring.anybody(start))
        has_fit = has_fit or ring.has_fit
        has_hours = has_hours or any(ring.works(start) for start in starts)
    if free:
        return Times(sorted(free))
    if has_fit:
        return Times([], "fully_booked" if has_hours else "out_of_hours")
    return Times([], "not_together" if _each_alone(services, need) else "not_served")


def taken(found: Times, timezone: str, at: datetime | None = None) -> SlotTaken:
    """The 409 of a time that is not free, with those of the day that are; where there are none, it says why.

    `at` was still free when they were looked at.
    """
    free = [twelve_hour(local(start, timezone).time()) for start in found.starts if start != at]
    why = NO_TIME[found.none_because] if found.none_because is not None else None
    return SlotTaken(why, details={"available_time_slots": free})


def _each_alone(services: Services, need: Need) -> bool:
    """Whether there is somebody for each of several services, though nobody for all of them."""
    if len(need.categories) == len(need.tiers) == 1:
        return False
    policy, now = candidates.policy_of(services), services.clock.now()
    wanted = [((category,), ()) for category in need.categories] + [((), (tier,)) for tier in need.tiers]
    for categories, tiers in wanted:
        place = need.place_for(categories, tiers)
        job = candidates.job_of(place, now, now, False, UUID(int=0), need.account_id)
        near = candidates.near(services, place, False, policy, LOOKS[0])
        if all(is_refused_always(candidates.candidate(f, now), job, policy) for f in near):
            return False
    return True


# ---------------------------------------------------------------- who could come


class Ring:
    """The nearest so many around a place and when they are taken, read once for a span.

    It answers for any start within the span, by the very filters of matching. Times are promised from where people
    live and work, not from where they happen to be just now.
    """

    def __init__(self, services: Services, need: Need, found: list[Reachable], blocked: set[UUID]) -> None:
        self._need, self._policy = need, candidates.policy_of(services)
        now = services.clock.now()
        # What holds at every time is asked once for each technician; what is left depends on the time.
        some_job = self._job(now)
        everyone = ((f, candidates.candidate(f, now, blocked=f.technician.id in blocked)) for f in _by_distance(found))
        self._fit = [(f, c) for f, c in everyone if not is_refused_always(c, some_job, self._policy)]
        self._taken: dict[UUID, list[rows.Span]] = {}

    async def load(self, conn: Conn, from_at: datetime, to_at: datetime) -> None:
        """Reads when those who fit are taken, the way to the job included."""
        longest = timedelta(seconds=max((f.travel_s for f, _ in self._fit), default=0.0))
        ids = [f.technician.id for f, _ in self._fit]
        account_id = self._need.account_id
        for span in await rows.taken(conn, ids=ids, from_at=from_at - longest, to_at=to_at, account_id=account_id):
            self._taken.setdefault(span.technician_id, []).append(span)

    @property
    def has_fit(self) -> bool:
        """Whether anybody here could do it at some time or other."""
        return bool(self._fit)

    def works(self, starts_at: datetime) -> bool:
        """Whether anybody works then, taken or not."""
        job = self._job(starts_at)
        return any(not is_refused_then(c, job, self._policy) for _, c in self._fit)

    def at(self, starts_at: datetime) -> list[Reachable]:
        """Who could come at this time, nearest first: nothing of theirs is reserved then."""
        job = self._job(starts_at)
        return [f for f, c in self._fit if self._can(f, c, starts_at, job)]

    def anybody(self, starts_at: datetime) -> bool:
        """Whether anybody could come at this time."""
        job = self._job(starts_at)
        return any(self._can(f, c, starts_at, job) for f, c in self._fit)

    def _job(self, starts_at: datetime) -> Job:
        need, ends_at = self._need, starts_at + self._need.duration
        return candidates.job_of(need.place, starts_at, ends_at, False, UUID(int=0), need.account_id)

    def _can(self, found: Reachable, candidate: Candidate, starts_at: datetime, job: Job) -> bool:
        ends_at = starts_at + self._need.duration
        return not is_refused_then(candidate, job, self._policy) and self._is_free(found, starts_at, ends_at)

    def _is_free(self, found: Reachable, starts_at: datetime, ends_at: datetime) -> bool:
        begins = starts_at - timedelta(seconds=found.travel_s)
        return not any(s.starts_at < ends_at and s.ends_at > begins for s in self._taken.get(found.technician.id, ()))


class Rings:
    """Who is around a place, the nearest few first; each further ring holds those who were in none before it."""

    def __init__(self, conn: Conn, services: Services, need: Need, from_at: datetime, to_at: datetime) -> None:
        self._conn, self._services, self._need = conn, services, need
        self._from_at, self._to_at = from_at, to_at
        self._looks = list(LOOKS)
        self._seen: set[UUID] = set()
        self._blocked: set[UUID] | None = None

    async def next(self) -> Ring | None:
        """The next ring, or None when nobody else is around."""
        if not self._looks:
            return None
        if self._blocked is None:
            blocked = await rows.blocked_technicians(self._conn, account_id=self._need.account_id)
            self._blocked = {b.technician_id for b in blocked}
        policy, limit = candidates.policy_of(self._services), self._looks.pop(0)
        near = candidates.near(self._services, self._need.place, False, policy, limit)
        found = [f for f in near if f.technician.id not in self._seen]
        if not found:
            self._looks.clear()
            return None
        self._seen.update(f.technician.id for f in found)
        ring = Ring(self._services, self._need, found, self._blocked)
        if ring.has_fit:
            await ring.load(self._conn, self._from_at, self._to_at)
        return ring


def _by_distance(found: list[Reachable]) -> list[Reachable]:
    return sorted(found, key=lambda f: (f.distance_m is None, f.distance_m or 0.0, f.technician.no))
