"""Whoever becomes free, or changes, lets those who wait around them look again; and so does a rule that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from uuid import UUID

from dispatch import bus
from dispatch.engine import candidates, offers
from dispatch.live.freed import News
from dispatch.live.roster import Technician
from dispatch.services import Services, Tx
from geo.geodesy import Box, bounding_boxes
from storage import candidates as candidate_rows
from storage import offers as offer_rows
from storage import queue as rows
from storage.candidates import Pair
from storage.database.pool import Conn
from storage.queue import Asked

#: So many technicians are asked about at once.
PEOPLE = 50
#: So many bookings are looked through at first, and each time four times as many, up to the most.
LISTED, MOST_LISTED = 20, 320
#: After so many of these bookings others have a turn on the loop.
_AT_ONCE = 10
#: A changed rule is committed and known to every node, and earlier looks are over, after so many real seconds.
KNOWN_S = 5.0


async def wake(services: Services) -> int:
    """Deals with all news that came since the last call; returns how many bookings look again because of it.

    A booking looks again when one of those who have become free could take it as far as can be told without a look,
    as many for each as they have places: nobody looks in vain, and the most important, then the first to start, is
    first served. Who lets one look again is asked about again with the next call, until there is nothing for them.
    """
    count, news, rules = 0, services.freed.take(), services.freed.take_rules()
    try:
        while rules:
            async with services.transaction() as tx:
                await rows.wake_all(tx.conn, organisation_id=next(iter(rules)), after_s=0.0)
            rules.pop()
        while news:
            some = dict(islice(news.items(), PEOPLE))
            count += await _wake_for(services, some)
            for one in some:
                del news[one]
    except BaseException:
        # Nothing is lost with a database that went away.
        services.freed.put_back(news, rules)
        raise
    return count


async def _wake_for(services: Services, news: dict[UUID, News]) -> int:
    people = [person for one in news if (person := services.roster.find(one)) is not None]
    gone = [person.id for person in people if not (person.is_active and person.is_verified)]
    if gone:
        await _take_back(services, gone)
    boxes = [(person.id, box) for person in people if person.id not in gone for box in _around(services, person)]
    if not boxes:
        return 0
    chosen = await _choose(services, boxes, news)
    if not chosen:
        return 0
    async with services.transaction() as tx:
        woken = {one.id for one in await rows.wake(tx.conn, ids=sorted(chosen))}
        if woken:
            tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})
    # A look that begins now sees all of them; what somebody holds just now is told again later.
    again = {who: news[who] for who in chosen.values()}
    for one in again.values():
        one.told |= woken
    services.freed.again(again)
    return len(woken)


def _around(services: Services, person: Technician) -> list[Box]:
    """Where the technician could take a booking: around their base, and around where they are."""
    seen = services.tracker.find(person.no)
    places = [person.base] if person.base is not None else []
    places += [(seen.lat, seen.lng)] if seen is not None else []
    radius_m = min(person.radius_m, services.settings.dispatch.radius_m)
    return [box for lat, lng in places for box in bounding_boxes(lat, lng, radius_m)]


@dataclass(slots=True)
class Places:
    """What is left of a technician's places, and the times that are given. The highest place goes first: the first one
    is for what starts soon, or last."""

    left: int
    has_first: bool
    given: list[tuple[datetime, datetime]] = field(default_factory=list)

    def has_room(self, booking: Asked, is_live: bool) -> bool:
        """Of jobs that start soon a technician takes one, and never two at a time."""
        return self.left > 0 and (self.has_first or not is_live) and not any(
            starts < booking.ends_at and booking.starts_at < ends for starts, ends in self.given
        )

    def take(self, booking: Asked, is_live: bool) -> None:
        self.left -= 1
        self.has_first = self.has_first and not is_live and self.left > 0
        self.given.append((booking.starts_at, booking.ends_at))


async def _choose(services: Services, boxes: Sequence[tuple[UUID, Box]], news: dict[UUID, News]) -> dict[UUID, UUID]:
    """Which bookings may look again, each with the technician who is to have it: nobody gets more than they have places
    for."""
    now, policy, chosen = services.clock.now(), candidates.policy_of(services), dict[UUID, UUID]()
    most = candidates.open_offers(services, False)
    async with services.read() as conn:
        rooms = await rows.rooms(conn, technician_ids=list({one for one, _ in boxes}))
        places = {room.technician_id: Places(most - room.offers, not room.is_first_taken) for room in rooms}
        # What all of them have been told of need not be listed.
        told = set[UUID].intersection(*(news[one].told for one in places)) if places else set()
        last, listed_at_once = None, LISTED
        while boxes := [(one, box) for one, box in boxes if one in places and places[one].left > 0]:
            listed = await _listed(conn, boxes, told, last, listed_at_once)
            refused = await _refused(conn, listed, {one for one, _ in boxes}) if listed else set()
            for n, booking in enumerate(listed, 1):
                place, job = candidates.asked_of(services, booking, now)
                for who in dict(boxes):
                    person = services.roster.find(who)
                    if person is None or not news[who].is_for(booking.id) or Pair(who, booking.id) in refused:
                        continue
                    if not places[who].has_room(booking, job.is_live):
                        continue
                    if candidates.could_take(services, person, place, job, policy, now):
                        places[who].take(booking, job.is_live)
                        chosen[booking.id] = who
                        break
                if n % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            if len(listed) < listed_at_once:
                break
            last, listed_at_once = listed[-1], min(4 * listed_at_once, MOST_LISTED)
    return chosen


async def _listed(
    conn: Conn, boxes: Sequence[tuple[UUID, Box]], told: set[UUID], last: Asked | None, most: int
) -> list[Asked]:
    """What waits there, after the last one that was listed."""
    return await rows.around(
        conn, technician_ids=[one for one, _ in boxes], wests=[b.west for _, b in boxes],
        souths=[b.south for _, b in boxes], easts=[b.east for _, b in boxes], norths=[b.north for _, b in boxes],
        but=list(told), after_priority=last.priority if last else 0, after_start=last.starts_at if last else None,
        after_id=last.id if last else None, most=most,
    )  # fmt: skip


async def _refused(conn: Conn, listed: Sequence[Asked], technician_ids: set[UUID]) -> set[Pair]:
    """Who cannot take what, as far as rows say."""
    asked = {"technician_ids": list(technician_ids), "booking_ids": [one.id for one in listed]}
    found = set(await rows.refused(conn, **asked))
    if any(one.organisation_id for one in listed):
        found |= set(await candidate_rows.kept_out(conn, **asked))
    return found


async def _take_back(services: Services, technician_ids: list[UUID]) -> None:
    """An offer that was made while its technician stopped working goes to somebody else."""
    async with services.read() as conn:
        held = await offer_rows.held_by(conn, ids=technician_ids)
    for one in held:
        await services.retrying(partial(_withdraw, booking_id=one.booking_id, technician_ids=technician_ids))


async def _withdraw(tx: Tx, booking_id: UUID, technician_ids: list[UUID]) -> None:
    booking = await offers.lock(tx, booking_id)
    await offers.take_back(tx, booking, technician_ids, "the technician no longer works here")


# ---------------------------------------------------------------- rules


async def wake_all(services: Services) -> int:
    """A node starts: what changed while it was away is looked for once by everybody who waits."""
    async with services.transaction() as tx:
        return await rows.wake_all(tx.conn, organisation_id=None, after_s=0.0)


async def rules_changed(tx: Tx, organisation_id: UUID | None = None) -> int:
    """Who was refused by a rule may be let in now: those who wait look again, of one organisation or all of them.

    Within a minute, beginning when every node goes by the new rule. What looks just now, by the old one, is woken then.
    """
    services = tx.services

    def later() -> None:
        asyncio.get_running_loop().call_later(KNOWN_S, services.freed.put_rule, organisation_id)

    tx.after_commit(later)
    return await rows.wake_all(tx.conn, organisation_id=organisation_id, after_s=KNOWN_S * services.clock.speed)
