"""Technicians who have lately become free, or have changed: for whom waiting bookings are to look again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from dispatch import bus
from dispatch.bus import Bus
from dispatch.live.roster import Roster, Technician

#: Bookings that one technician may wake, one after the other, before others get their turn.
MOST_WOKEN = 50
#: News is gathered for so long, in real seconds, before anybody is woken.
GATHER_S = 0.05
#: A look in which somebody became free is over by then, in real seconds.
REMEMBERED_S = 60.0
_REMEMBERED_MOST = 10_000


class Freed:
    """In memory, and only hints: what is lost here waits for its timer. Every node hears all of them."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[UUID]] = {}
        self._heard: dict[UUID, float] = {}
        self._unseen: set[UUID] = set()
        self._listeners: list[Callable[[], None]] = []
        self._is_gathering = False

    def attach(self, node_bus: Bus, roster: Roster) -> None:
        """Hears of offers and intervals that end, and of every change of a technician from now on."""
        node_bus.subscribe(bus.TECHNICIAN_FREED, lambda hint: self.put(UUID(hint["technician_id"])))
        roster.on_change(self._changed)

    def on_news(self, listener: Callable[[], None]) -> None:
        """`listener` is called when there is somebody to take, shortly after the first of them came."""
        self._listeners.append(listener)

    def _changed(self, person: Technician) -> None:
        if person.is_active and person.is_verified:
            self.put(person.id)

    def put(self, technician_id: UUID, woken: Iterable[UUID] = ()) -> None:
        """This technician may be free for more; `woken` bookings have been told and are not told again."""
        self._waiting[technician_id] = {*self._waiting.get(technician_id, ()), *woken}
        if not woken:
            self._remember(technician_id)
        if self._listeners and not self._is_gathering:
            self._is_gathering = True
            asyncio.get_running_loop().call_later(GATHER_S, self._gathered)

    def _gathered(self) -> None:
        self._is_gathering = False
        for listener in self._listeners:
            listener()

    def _remember(self, technician_id: UUID) -> None:
        if len(self._heard) >= _REMEMBERED_MOST:
            since = time.monotonic() - REMEMBERED_S
            self._heard = {one: at for one, at in self._heard.items() if at >= since}
        self._heard[technician_id] = time.monotonic()

    def looked(self, technician_ids: Iterable[UUID], unseen: Iterable[UUID], since: float) -> None:
        """A look that began at `since` (monotonic) waits for these: who became free during it is told of again.

        Of the `unseen` a fresh position is waited for.
        """
        for technician_id in technician_ids:
            if self._heard.get(technician_id, float("-inf")) >= since:
                self.put(technician_id)
        self.wait_for_position(unseen)

    def wait_for_position(self, technician_ids: Iterable[UUID]) -> None:
        """These are told of once they have a fresh position."""
        if len(self._unseen) < _REMEMBERED_MOST:
            self._unseen.update(technician_ids)

    def put_seen(self, is_fresh: Callable[[UUID], bool]) -> None:
        """Those whose fresh position somebody waits for, and who have one now."""
        for technician_id in [one for one in self._unseen if is_fresh(one)]:
            self._unseen.discard(technician_id)
            self.put(technician_id)

    def take(self) -> dict[UUID, set[UUID]]:
        """Everybody who waits to be told of, with the bookings that have been told already."""
        taken, self._waiting = self._waiting, {}
        return taken
