"""The sweep of due bookings: any node, any time, nothing else needed for the engine's promises."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from dispatch import bus
from dispatch.engine import bookings, offers, watchdog
from dispatch.transaction import Tx
from storage import bookings as rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.errors import StorageError, is_deadlock

if TYPE_CHECKING:
    from dispatch.services import Services

log = logging.getLogger(__name__)

#: The longest that a timer set by another node, whose hint was lost, waits in real seconds.
POLL_S = 2.0
#: So many bookings are worked on at once by one node.
WORKERS = 4
#: What is due and was not done is being worked on by somebody: the next look waits so long, in real seconds.
LEAST_PAUSE_S = 0.05
#: A booking whose handler failed comes back after this, so that the others get their turn.
POSTPONE_S = 30.0

Handler = Callable[[Tx, Booking], Awaitable[None]]


async def _dispatch(tx: Tx, booking: Booking) -> None:
    await offers.search(tx, booking)


#: Every kind of timer and what it does; the booking's lock is held and its time has come.
KINDS: dict[str, Handler] = {
    "dispatch": _dispatch,
    "offer_expiry": offers.expire,
    "release_unpaid": bookings.release_unpaid,
    "watch": watchdog.look,
}


class Sweeper:
    """Runs in every node. `sweep()` works through all that is due; `run()` does it for ever, on time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wake = asyncio.Event()
        self._planned_s = 0.0
        services.bus.subscribe(bus.TIMER_SET, self._hinted)

    def _hinted(self, hint: bus.Hint) -> None:
        # Only what is due before the next look is worth waking for.
        if float(hint["at"]) <= self._planned_s:
            self._wake.set()

    async def run(self) -> None:
        while True:
            # What is set while this works may be missed by its own looking: the next look must not be far.
            self._plan(POLL_S)
            try:
                await self.sweep()
                pause = await self._pause_s()
            except Exception:
                log.exception("the sweep failed; it goes on")
                pause = 1.0
            self._plan(pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()

    def _plan(self, pause_s: float) -> None:
        clock = self._services.clock
        self._planned_s = clock.timestamp() + pause_s * clock.speed

    async def sweep(self) -> int:
        """Handles all that is due now and returns how many. Safe to run anywhere, any number of times."""
        counts = await asyncio.gather(*(self._drain() for _ in range(WORKERS)))
        async with self._services.transaction() as tx:
            await slot_rows.sweep_due(tx.conn)
        return sum(counts)

    async def _drain(self) -> int:
        done = 0
        while await self._one():
            done += 1
        return done

    async def _one(self) -> bool:
        claimed: UUID | None = None
        try:
            async with self._services.transaction() as tx:
                booking = await rows.claim_due(tx.conn)
                if booking is None or booking.next_action is None:
                    return False
                claimed = booking.id
                await KINDS[booking.next_action](tx, booking)
            return True
        except StorageError as e:
            if claimed is None:
                raise
            if not is_deadlock(e):
                await self._postpone(claimed)
            return True
        except Exception:
            if claimed is None:
                raise
            await self._postpone(claimed)
            return True

    async def _postpone(self, booking_id: UUID) -> None:
        log.exception("the timer of booking %s failed and is tried again", booking_id)
        async with self._services.transaction() as tx:
            await rows.postpone(tx.conn, booking_id=booking_id, seconds=POSTPONE_S)

    async def _pause_s(self) -> float:
        async with self._services.read() as conn:
            due = await rows.next_due(conn)
        if due is None:
            return POLL_S
        return max(LEAST_PAUSE_S, min(POLL_S, self._services.clock.real_seconds_until(due)))
