"""Who drives into the reach of a booking that waits: positions are no hints, so a node looks at them now and then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic
from uuid import UUID

from dispatch.engine import candidates
from dispatch.engine.matching import Policy
from dispatch.loops import Loop
from dispatch.services import Services
from storage import queue as rows
from storage.queue import Asked

#: How often a node looks, in seconds of the domain's time; in real seconds neither more often than LEAST_S nor for a
#: larger share of its time than SHARE.
EVERY_S, LEAST_S, SHARE = 5.0, 0.5, 0.05
#: So many bookings are looked at before others have a turn on the loop.
_AT_ONCE = 10


class Vicinity:
    """Remembers of each booking that waits and starts soon who could take it by what this node has in memory. Whoever
    could not before is a hint: they came near, their fix became fresh, or the booking began to go by live positions.

    The ping's path knows nothing of it, and every node looks at the positions that it has.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[UUID, set[int]] = {}
        self.loop = Loop("who comes near", self.round, every_s=EVERY_S)

    async def look(self) -> int:
        """One look at all of them; how many technicians are told of."""
        services = self._services
        horizon = timedelta(seconds=services.settings.dispatch.live_horizon_s)
        async with services.read() as conn:
            waiting = await rows.near_start(conn, before=services.clock.now() + horizon)
        policy, before = candidates.policy_of(services), self._known
        self._known, news = {}, set[int]()
        for n, booking in enumerate(waiting, 1):
            found = self._could_take(booking, policy)
            news |= found - before.get(booking.id, set())
            self._known[booking.id] = found
            if n % _AT_ONCE == 0:
                await asyncio.sleep(0)
        for no in news:
            if (person := services.roster.by_no(no)) is not None:
                services.freed.put(person.id)
        return len(news)

    def _could_take(self, booking: Asked, policy: Policy) -> set[int]:
        services, now = self._services, self._services.clock.now()
        place, job = candidates.asked_of(services, booking, now)
        people = (services.roster.by_no(no) for no in candidates.seen_near(services, place, policy))
        return {
            person.no
            for person in people
            if person is not None and candidates.could_take(services, person, place, job, policy, now)
        }

    async def round(self) -> float:
        """A look; returns the pause until the next, in real seconds."""
        began = monotonic()
        await self.look()
        took_s, speed = monotonic() - began, self._services.clock.speed
        return max(LEAST_S, took_s / SHARE, min(EVERY_S, EVERY_S / speed if speed else EVERY_S))
