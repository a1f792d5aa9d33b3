"""Real time is the database's: where this machine's clock is off, the process's Clock is corrected by it."""

from __future__ import annotations

import logging
import time

from dispatch.clock import Clock
from dispatch.loops import Loop
from storage import clock as rows
from storage.database.pool import Pool

log = logging.getLogger(__name__)

#: How often the two clocks are compared, in real seconds.
LOOK_S = 10.0
#: Clocks that are kept by NTP differ by less, in seconds: such a difference is left alone, and nothing jumps for it.
TOLERATED_S = 1.0
#: An answer that took longer says too little of when it was given, in seconds.
SLOW_S = 1.0


async def agree(pool: Pool, clock: Clock) -> None:
    """Compares this machine's clock with the database's, which judges what is over, and corrects ours where it is off.

    An offer that ends by a clock that is a minute behind had ended as it was made, and what is to be looked at again
    in a minute was due at once, without end. Raises StorageError.
    """
    async with pool.connection() as conn:
        # The first statement on a connection is slower, as it is planned: only the second is measured.
        await rows.real_now(conn)
        before, began = time.time(), time.monotonic()
        theirs = await rows.real_now(conn)
        took_s = time.monotonic() - began
    assert theirs is not None, "it has no FROM"
    if took_s > SLOW_S:
        return
    off_s = theirs.timestamp() - (before + took_s / 2)
    if abs(off_s - clock.off_s) > TOLERATED_S:
        clock.correct(off_s if abs(off_s) > TOLERATED_S else 0.0)
        _tell(clock.off_s)


def _tell(off_s: float) -> None:
    if off_s:
        way = "behind" if off_s > 0 else "ahead of"
        log.warning(
            "this machine's clock is %.1f s %s the database's, whose time counts here from now on: synchronise both "
            "with NTP", abs(off_s), way,
        )  # fmt: skip
    else:
        log.warning("this machine's clock agrees with the database's again")


def loop_of(pool: Pool, clock: Clock) -> Loop:
    """Compares again and again: a clock may be set, and another server may become the database."""

    async def look() -> None:
        await agree(pool, clock)

    return Loop("real time", look, every_s=LOOK_S)
