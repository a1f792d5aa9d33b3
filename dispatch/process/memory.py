"""The garbage collector of a server: what was loaded is left alone, what is new is looked through in short pauses."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

#: Allocations until a young collection, and collections until an older one; Python's are 700, 10, 10. The young must be
#: short, because everybody waits for one: in a storm of connects nearly all live, and 50,000 took 35 to 85 ms of CPU.
#: Everything is walked by hand alone (ALL_EVERY): in the middle of a storm it was a pause of 180 to 250 ms.
THRESHOLDS = (5_000, 400, 1_000_000)
#: How often the young are looked through whatever was counted. The collector counts what is new less what is gone:
#: while thousands of old things go, as many new ones gather, and were looked through at once in 15 to 25 ms.
YOUNG_S = 0.05
#: Every so many looks what has outlived them is looked through too, and at last everything: a look at the young by hand
#: takes from the collector its own occasion to do so. The second is half a second of survivors; the third is those of
#: ten minutes, and what it leaves is not walked again for six hours: all that some thousand sockets hold is a pause of
#: a quarter of a second. So circles of what lived long stay until then, and what ends should leave none behind.
SURVIVORS_EVERY, ALL_EVERY, THAW_EVERY = 10, 12_000, 36 * 12_000
#: So many survivors are not left for later: those of half a second of a storm were one pause of 25 to 30 ms.
MOST_SURVIVORS = 5_000


@asynccontextmanager
async def short_pauses() -> AsyncIterator[None]:
    """For this block; what there is at its start stays, and is walked again with what is thawed only."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    looking = asyncio.create_task(_look(), name="young garbage")
    try:
        yield
    finally:
        looking.cancel()


async def _look() -> None:
    for number in count(1):
        await asyncio.sleep(YOUNG_S)
        if number % ALL_EVERY == 0:
            if number % THAW_EVERY == 0:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
        else:
            are_many = len(gc.get_objects(generation=1)) > MOST_SURVIVORS
            gc.collect(1 if are_many or number % SURVIVORS_EVERY == 0 else 0)
