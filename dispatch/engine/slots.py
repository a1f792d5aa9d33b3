"""A technician's reserved time. One rule lists and books: what is shown can be booked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from dispatch.engine import candidates
from dispatch.engine.candidates import Place, Reachable
from dispatch.engine.matching import Candidate, Job, is_refused_always, is_refused_then
from dispatch.errors import Conflict, Invalid
from dispatch.localtime import local, to_utc, twelve_hour
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import slots as rows
from storage.bookings import Booking
from storage.database.errors import StorageError, is_deadlock, is_exclusion
from storage.database.pool import Conn

#: Times are offered in half hours (R61).
STEP = timedelta(minutes=30)
#: So many technicians around a place are looked at for its free times.
LOOK = 400
#: So many free technicians are tried before a time counts as taken.
TRIES = 25


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

    @property
    def place(self) -> Place:
        return Place(self.lat, self.lng, self.zone_id, self.timezone, frozenset(self.categories), frozenset(self.tiers))

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)


async def available(conn: Conn, services: Services, need: Need, day: date) -> list[datetime]:
    """Starts (aware UTC, rising) on a local day at which at least one technician could come."""
    starts = [s for s in day_starts(services, need, day) if bookable_from(services) <= s <= bookable_until(services)]
    if not starts:
        return []
    free = await _Free.load(conn, services, need, starts[0], starts[-1] + need.duration)
    return [start for start in starts if free.anybody(start)]


def is_start(services: Services, need: Need, starts_at: datetime) -> bool:
    """Whether bookings may start then at all: on the grid of an open day, neither too soon nor too far ahead."""
    day = local(starts_at, need.timezone).date()
    in_reach = bookable_from(services) <= starts_at <= bookable_until(services)
    return in_reach and starts_at in day_starts(services, need, day)


def bookable_from(services: Services) -> datetime:
    return services.clock.now() + timedelta(seconds=services.settings.dispatch.lead_s)


def bookable_until(services: Services) -> datetime:
    return services.clock.now() + timedelta(days=services.settings.dispatch.max_advance_days)


def day_starts(services: Services, need: Need, day: date) -> list[datetime]:
    """Every half hour of the zone's opening hours on a local day at which the job would end in time."""
    opens, closes, days = services.zones.hours(need.zone_id)
    if day.isoweekday() not in days:
        return []
    last = to_utc(day, closes, need.timezone) - need.duration
    begin = datetime.combine(day, opens)
    minutes = range(0, 24 * 60, int(STEP.total_seconds() // 60))
    local = (begin + timedelta(minutes=m) for m in minutes)
    starts = {to_utc(day, at.time(), need.timezone) for at in local if at.date() == day and at.time() < closes}
    return sorted(s for s in starts if s <= last)


async def hold_preview(tx: Tx, preview_id: UUID, need: Need, starts_at: datetime, expires_at: datetime) -> None:
    """Keeps a time for the life of a preview. Raises SlotTaken."""
    await _take(tx, need, starts_at, preview_id=preview_id, booking_id=None, expires_at=expires_at)


async def hold_booking(tx: Tx, booking: Booking, preview_id: UUID | None = None) -> None:
    """Gives a new booking its interval: the one its preview held, else any that is free. Raises SlotTaken."""
    if preview_id is not None:
        kept = await rows.preview_to_booking(
            tx.conn, booking_id=booking.id, preview_id=preview_id, ends_at=booking.ends_at
        )
        if kept:
            return
        await rows.drop_preview(tx.conn, preview_id=preview_id)
    need = need_of(booking)
    await _take(tx, need, booking.starts_at, preview_id=None, booking_id=booking.id, expires_at=None)


def need_of(booking: Booking) -> Need:
    minutes = int((booking.ends_at - booking.starts_at).total_seconds() // 60)
    return Need(
        booking.account_id, booking.lat, booking.lng, booking.zone_id, booking.timezone, minutes,
        tuple(booking.categories), tuple(booking.tiers),
    )  # fmt: skip


async def _take(
    tx: Tx,
    need: Need,
    starts_at: datetime,
    *,
    preview_id: UUID | None,
    booking_id: UUID | None,
    expires_at: datetime | None,
) -> None:
    ends_at = starts_at + need.duration
    free = await _Free.load(tx.conn, tx.services, need, starts_at, ends_at)
    for found in free.at(starts_at)[:TRIES]:
        from_at = starts_at - timedelta(seconds=found.travel_s)
        await rows.drop_due(tx.conn, technician_id=found.technician.id, from_at=from_at, to_at=ends_at)
        try:
            async with tx.savepoint():
                await rows.insert(
                    tx.conn, technician_id=found.technician.id, technician_no=found.technician.no,
                    booking_id=booking_id, preview_id=preview_id, state="held",
                    from_at=from_at, to_at=ends_at, expires_at=expires_at,
                )  # fmt: skip
            return
        except StorageError as e:
            # Two who insert in the same instant may wait for each other: the loser takes the next one.
            if not (is_exclusion(e) or is_deadlock(e)):
                raise
    raise SlotTaken()


class _Free:
    """Who is around a place and when they are taken, read once for a span; answers for any start within it."""

    def __init__(
        self, services: Services, need: Need, found: list[Reachable], taken: list[rows.Slot], blocked: set[UUID]
    ):
        self._need, self._policy = need, candidates.policy_of(services)
        now = services.clock.now()
        # What holds at every time is asked once for each technician; what is left depends on the time.
        some_job = self._job(now)
        everyone = (
            (f, candidates.candidate(f, now, blocked=f.technician.id in blocked))
            for f in sorted(found, key=lambda f: (f.distance_m is None, f.distance_m or 0.0, f.technician.no))
        )
        self._fit = [(f, c) for f, c in everyone if not is_refused_always(c, some_job, self._policy)]
        self._taken: dict[UUID, list[rows.Slot]] = {}
        for slot in taken:
            self._taken.setdefault(slot.technician_id, []).append(slot)

    @classmethod
    async def load(cls, conn: Conn, services: Services, need: Need, from_at: datetime, to_at: datetime) -> _Free:
        policy = candidates.policy_of(services)
        # Times are promised from where people live and work, not from where they happen to be just now.
        found = candidates.near(services, need.place, False, policy, LOOK)
        longest = timedelta(seconds=max((f.travel_s for f in found), default=0.0))
        ids = [f.technician.id for f in found]
        taken = await rows.busy(conn, ids=ids, from_at=from_at - longest, to_at=to_at)
        blocked = await rows.blocked_technicians(conn, account_id=need.account_id)
        return cls(services, need, found, taken, {b.technician_id for b in blocked})

    def at(self, starts_at: datetime) -> list[Reachable]:
        """Who could come at this time, nearest first: the very filters of matching, and nothing reserved then."""
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


async def claim(tx: Tx, booking: Booking, found: Reachable, state: str) -> bool:
    """Moves the booking's interval to this technician; held intervals in the way go to others. False: impossible.

    Who loses a deadlock here gives its savepoint's locks back and takes somebody else: the others go on.
    """
    try:
        async with tx.savepoint():
            await _place(tx, booking, found, state)
        return True
    except StorageError as e:
        if is_deadlock(e):
            return False
        if not is_exclusion(e):
            raise
    try:
        async with tx.savepoint():
            await _make_room(tx, booking, found)
            await _place(tx, booking, found, state)
        return True
    except SlotTaken:
        return False
    except StorageError as e:
        if not (is_exclusion(e) or is_deadlock(e)):
            raise
        return False


async def _place(tx: Tx, booking: Booking, found: Reachable, state: str) -> None:
    from_at = booking.starts_at - timedelta(seconds=found.travel_s)
    await rows.drop_due(tx.conn, technician_id=found.technician.id, from_at=from_at, to_at=booking.ends_at)
    await rows.place_booking(
        tx.conn, technician_id=found.technician.id, technician_no=found.technician.no,
        booking_id=booking.id, state=state, from_at=from_at, to_at=booking.ends_at,
    )  # fmt: skip


async def _make_room(tx: Tx, booking: Booking, found: Reachable) -> None:
    """Sends the merely held intervals of other bookings to other technicians. Raises SlotTaken when one can't go.

    Their bookings are not locked, so each interval is, and only while it is merely held: one that is being
    offered, or moved by somebody else at this moment, stays where it is.
    """
    from_at = booking.starts_at - timedelta(seconds=found.travel_s)
    # The booking's own interval goes first: somebody may need just the time that it frees.
    await rows.drop_booking(tx.conn, booking_id=booking.id)
    in_the_way = await rows.busy(tx.conn, ids=[found.technician.id], from_at=from_at, to_at=booking.ends_at)
    locked = await rows.lock_held(tx.conn, ids=[s.id for s in in_the_way])
    if len(locked) < len(in_the_way):
        raise SlotTaken()
    for slot in locked:
        await _send_away(tx, slot)


async def _send_away(tx: Tx, slot: rows.Slot) -> None:
    """Moves one locked, merely held interval to the nearest other technician who is free. Raises SlotTaken."""
    other = await booking_rows.get(tx.conn, booking_id=slot.booking_id)
    assert other is not None, "a slot's booking exists"
    free = await _Free.load(tx.conn, tx.services, need_of(other), other.starts_at, other.ends_at)
    for found in free.at(other.starts_at)[:TRIES]:
        if found.technician.id == slot.technician_id:
            continue
        try:
            async with tx.savepoint():
                await _place(tx, other, found, "held")
            return
        except StorageError as e:
            # Two who insert in the same instant may wait for each other: the loser takes the next one.
            if not (is_exclusion(e) or is_deadlock(e)):
                raise
    raise SlotTaken()


def check_day(services: Services, day: date, timezone: str) -> None:
    """Raises Invalid naming booking_date unless it is today to the last bookable day, on the address's
    calendar.
    """
    days = services.settings.dispatch.max_advance_days
    today = local(services.clock.now(), timezone).date()
    if day < today:
        raise Invalid({"booking_date": "This day is over."})
    if day > today + timedelta(days=days):
        raise Invalid({"booking_date": f"Bookings can be made at most {days} days ahead."})


def check_start(services: Services, need: Need, day: date, at: time) -> datetime:
    """The moment of a local date and time. Raises Invalid naming the field that is out of what can be
    booked.
    """
    check_day(services, day, need.timezone)
    starts_at = to_utc(day, at, need.timezone)
    if starts_at not in day_starts(services, need, day):
        raise Invalid({"booking_time": "This is not one of the times at which bookings start that day."})
    if starts_at < bookable_from(services):
        raise Invalid({"booking_time": "This time is over, or too soon for anybody to come."})
    if starts_at > bookable_until(services):
        raise Invalid({"booking_date": "This is further ahead than bookings can be made."})
    return starts_at


def taken(free: Iterable[time]) -> SlotTaken:
    """The 409 of a time that is not free, with those of the day that are."""
    return SlotTaken(details={"available_time_slots": [twelve_hour(t) for t in free]})
