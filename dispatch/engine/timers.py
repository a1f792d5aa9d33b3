"""The sweep of due bookings: any node, any time, nothing else needed for the engine's promises."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from dispatch import bus
from dispatch.engine import alerts, bookings, offers, queue, search, waking, watchdog
from dispatch.logs import answering
from dispatch.loops import Loop
from dispatch.services import Tx
from storage import bookings as rows
from storage import slots as slot_rows
from storage.bookings import Booking, Due

if TYPE_CHECKING:
    from dispatch.services import Services

log = logging.getLogger(__name__)

#: The longest that a timer set by another node, whose hint was lost, waits in real seconds.
POLL_S = 2.0
#: So many bookings are worked on at once by one node.
WORKERS = 4
#: So many of each sort are looked up at once.
SET = 50
#: What is due and was not done is being worked on by somebody: the next look waits so long, in real seconds.
LEAST_PAUSE_S = 0.05
#: A booking whose handler failed comes back after this, so that the others get their turn.
POSTPONE_S = 30.0
#: After so many failures in a row staff are told.
ALERT_AFTER = 5

Handler = Callable[[Tx, Booking], Awaitable[None]]


async def _dispatch(tx: Tx, booking: Booking) -> None:
    await search.search(tx, booking)


#: Every kind of timer and what it does; the booking's lock is held and its time has come.
KINDS: dict[str, Handler] = {
    "dispatch": _dispatch,
    "look": _dispatch,
    "start": _dispatch,
    "offer_expiry": offers.expire,
    "release_unpaid": bookings.release_unpaid,
    "release_unapproved": bookings.release_unapproved,
    "watch": watchdog.look,
}


class Sweeper:
    """Runs in every node. `sweep()` works through all that is due; `loop` does it for ever, on time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._planned_s = 0.0
        self._has_woken = False
        self.loop = Loop("timers", self._round, every_s=POLL_S)
        services.bus.subscribe(bus.TIMER_SET, self._hinted)
        services.freed.on_news(self.loop.wake)

    def _hinted(self, hint: bus.Hint) -> None:
        # Only what is due before the next look is worth waking for.
        if float(hint["at"]) <= self._planned_s:
            self.loop.wake()

    async def _round(self) -> float:
        if not self._has_woken:
            # What was hinted at while no node listened is looked at once.
            await waking.wake_all(self._services)
            self._has_woken = True
        # What is set while this works may be missed by its own looking: the next look must not be far.
        self._plan(POLL_S)
        await self.sweep()
        pause_s = await self._pause_s()
        self._plan(pause_s)
        return pause_s

    def _plan(self, pause_s: float) -> None:
        clock = self._services.clock
        self._planned_s = clock.timestamp() + pause_s * clock.speed

    async def sweep(self) -> int:
        """Handles all that is due now and returns how many. Safe to run anywhere, any number of times."""
        done = 0
        while True:
            await self._end_holds()
            woken = await self._wake()
            work = await self._due()
            counts = await asyncio.gather(*(self._drain(work) for _ in range(WORKERS)))
            done += sum(counts)
            if not any(counts) and not woken:
                return done

    async def _wake(self) -> int:
        """What fails here waits for the next round, and what is due does not wait for it."""
        try:
            return await waking.wake(self._services)
        except Exception:
            log.exception("those who wait could not be told of news; they are with the next round")
            return 0

    async def _end_holds(self) -> None:
        async with self._services.statement() as conn:
            ended = await slot_rows.sweep_due(conn)
        for one in ended:
            self._services.bus.publish(bus.TECHNICIAN_FREED, queue.freed_hint(one.technician_id))

    async def _due(self) -> deque[Due]:
        async with self._services.statement() as conn:
            return deque(await rows.due(conn, most=SET))

    async def _drain(self, work: deque[Due]) -> int:
        """Shares a set with the other workers; how many of it were theirs to do."""
        done = 0
        while work:
            done += await self._one(work.popleft())
        return done

    async def _one(self, due: Due) -> bool:
        """Handles one in its own transaction, if nobody else does or has done."""
        try:
            with answering(f"timer-{os.urandom(12).hex()}"):
                return await self._services.retrying(lambda tx: self._handle(tx, due))
        except Exception:
            log.exception("the timer of booking %s failed and is tried again", due.id)
            await self._postpone(due)
            return True

    async def _handle(self, tx: Tx, due: Due) -> bool:
        booking = await rows.lock_due(tx.conn, booking_id=due.id)
        if booking is None or booking.next_action is None:
            return False
        await KINDS[booking.next_action](tx, booking)
        if due.timer_failures:
            await rows.timer_works(tx.conn, booking_id=due.id)
            await alerts.resolve(tx, ["timer_failing"], booking_id=due.id)
        return True

    async def _postpone(self, due: Due) -> None:
        async with self._services.transaction() as tx:
            failures = await rows.postpone(tx.conn, booking_id=due.id, seconds=POSTPONE_S) or 0
            if failures >= ALERT_AFTER:
                await alerts.raise_alert(
                    tx, "timer_failing",
                    f"A step of this booking has failed {failures} times in a row; it is tried again.",
                    booking_id=due.id,
                )  # fmt: skip

    async def _pause_s(self) -> float:
        async with self._services.read() as conn:
            due = await rows.next_due(conn)
        if due is None:
            return POLL_S
        return max(LEAST_PAUSE_S, min(POLL_S, self._services.clock.real_seconds_until(due)))
