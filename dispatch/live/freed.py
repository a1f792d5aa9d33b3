"""What has lately changed in favour of those who wait: technicians who became free or changed, and rules."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from dispatch import bus
from dispatch.bus import Bus
from dispatch.live.roster import Roster, Technician

#: News is gathered for so long, in real seconds, before anybody is woken.
GATHER_S = 0.05
#: A look in which somebody became free is over by then, in real seconds.
REMEMBERED_S = 60.0
#: So many may be remembered before the old ones are let go.
REMEMBERED_MOST = 10_000


@dataclass(slots=True)
class News:
    """For which bookings a technician may be news: for all but those that were told of them, or for some alone."""

    told: set[UUID] = field(default_factory=set)
    only: set[UUID] | None = None

    def is_for(self, booking_id: UUID) -> bool:
        return booking_id not in self.told and (self.only is None or booking_id in self.only)


class Freed:
    """In memory, and only hints: every node hears all of them, and keeps them until they are dealt with."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, News] = {}
        #: In the order in which they were last heard of, in real seconds.
        self._heard: OrderedDict[UUID, float] = OrderedDict()
        self._rules: set[UUID | None] = set()
        self._listeners: list[Callable[[], None]] = []
        self._is_gathering = False

    def attach(self, node_bus: Bus, roster: Roster) -> None:
        """Hears of offers and intervals that end, and of every change of a technician from now on."""
        node_bus.subscribe(bus.TECHNICIAN_FREED, lambda hint: self.put(UUID(hint["technician_id"])))
        roster.on_change(self._changed)

    def on_news(self, listener: Callable[[], None]) -> None:
        """`listener` is called when there is something to take, shortly after the first of it came."""
        self._listeners.append(listener)

    def _changed(self, person: Technician) -> None:
        self.put(person.id)

    def put(self, technician_id: UUID) -> None:
        """This technician may be free for more than before, whatever they were told of."""
        now = self._heard[technician_id] = time.monotonic()
        self._heard.move_to_end(technician_id)
        if len(self._heard) > REMEMBERED_MOST:
            # The oldest are first: where all are young, as after a start, nobody is walked through for each who comes.
            while next(iter(self._heard.values())) < now - REMEMBERED_S:
                self._heard.popitem(last=False)
        self._waiting[technician_id] = News()
        self._call()

    def again(self, news: Mapping[UUID, News]) -> None:
        """These are not done with, unless something newer is known of them."""
        self.put_back(news)
        if news:
            self._call()

    def put_back(self, news: Mapping[UUID, News], rules: Iterable[UUID | None] = ()) -> None:
        """What was taken and could not be dealt with just now; nobody is called for it."""
        self._rules.update(rules)
        for technician_id, one in news.items():
            self._waiting.setdefault(technician_id, one)

    def put_rule(self, organisation_id: UUID | None) -> None:
        """A rule has changed, of one organisation or of all."""
        self._rules.add(organisation_id)
        self._call()

    def looked(self, booking_id: UUID, since: float) -> None:
        """A look of this booking that began at `since` (monotonic) found nobody: whoever was heard of meanwhile is
        news for it."""
        for technician_id in reversed(self._heard):
            if self._heard[technician_id] < since:
                break
            news = self._waiting.setdefault(technician_id, News(only=set()))
            news.told.discard(booking_id)
            if news.only is not None:
                news.only.add(booking_id)
            self._call()

    def take(self) -> dict[UUID, News]:
        """Everybody whom somebody is to be told of."""
        taken, self._waiting = self._waiting, {}
        return taken

    def take_rules(self) -> set[UUID | None]:
        """The organisations whose rules have changed; None: all."""
        taken, self._rules = self._rules, set()
        return taken

    def _call(self) -> None:
        if self._listeners and not self._is_gathering:
            self._is_gathering = True
            asyncio.get_running_loop().call_later(GATHER_S, self._gathered)

    def _gathered(self) -> None:
        self._is_gathering = False
        for listener in self._listeners:
            listener()
