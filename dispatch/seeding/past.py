"""Weeks that have been lived through: one happening after the other by the domain's clock, made by the product."""

from __future__ import annotations

import heapq
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from dispatch import localtime
from dispatch.clock import Reading
from dispatch.errors import DispatchError
from dispatch.events import Actor
from dispatch.live.roster import Technician
from dispatch.process.runtime import set_clock
from dispatch.services import Services
from storage.catalogue import ServiceRow

log = logging.getLogger(__name__)

#: Does something, says when it goes on, and is asked to then.
Story = AsyncGenerator[datetime, None]
#: What a payment page does: an order becomes the signed triple of its payment.
Pay = Callable[[str], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer as they book: where, and whom the technician asks for."""

    account_id: UUID
    address_id: UUID
    name: str
    phone: str
    lat: float
    lng: float


@dataclass(slots=True)
class Town:
    """Everybody of the past. `pay` is None where nobody pays online; `broken` counts stories that were refused."""

    services: Services
    staff: Actor
    technicians: Sequence[Technician]
    buyers: Sequence[Buyer]
    timezone: str
    dice: random.Random
    offered: Sequence[ServiceRow]
    pay: Pay | None = None
    broken: list[str] = field(default_factory=list)
    _waiting: list[tuple[datetime, int, Story]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    @property
    def staff_key(self) -> str:
        """The member of staff as what they ordered names them."""
        return f"{self.staff.kind}:{self.staff.id}"

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    @property
    def today(self) -> date:
        return localtime.local(self.now, self.timezone).date()

    def at(self, day: date, clock: time) -> datetime:
        """A clock face of the town's on a day."""
        return localtime.to_utc(day, clock, self.timezone)

    def later(self, least_min: int, most_min: int) -> datetime:
        """Some minutes from now."""
        return self.now + timedelta(minutes=self.dice.randint(least_min, most_min))

    def begin(self, at: datetime, story: Story) -> None:
        heapq.heappush(self._waiting, (at, next(self._numbers), story))

    async def live(self, until: datetime) -> None:
        """Lets everything happen in its order; what would go on after `until` does not."""
        while self._waiting:
            at, _, story = heapq.heappop(self._waiting)
            if at < until:
                await self._go_on(max(at, self.now), story)
            else:
                await story.aclose()

    async def _go_on(self, at: datetime, story: Story) -> None:
        await stand_at(self.services, at)
        try:
            self.begin(await anext(story), story)
        except StopAsyncIteration:
            pass
        except DispatchError as e:
            # A time that was taken meanwhile, a limit that was reached: such things happen, and the others go on.
            log.info("a happening of the past was refused: %s", e.message)
            self.broken.append(e.code)


async def stand_at(services: Services, moment: datetime) -> None:
    """The clock of the process and of the database stands at this moment."""
    stamp = moment.timestamp()
    await set_clock(services, Reading(stamp, stamp, 0.0))
