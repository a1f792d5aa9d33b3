"""What the clock does for many: each in a transaction of its own, and nobody waits for one that fails."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from dispatch.errors import DispatchError
from dispatch.services import Services, Tx
from storage.database.errors import StorageError

log = logging.getLogger(__name__)

#: Returns how much it did; may be run again from its start.
Work = Callable[[Tx], Awaitable[int]]


async def each(services: Services, works: Iterable[tuple[str, Work]]) -> int:
    """Does all of them, named as the log shall call them. One that fails is passed over: the next turn tries again."""
    done = 0
    for name, work in works:
        try:
            done += await services.retrying(work)
        except (DispatchError, StorageError) as error:
            log.warning("%s was passed over: %s", name, error)
    return done
