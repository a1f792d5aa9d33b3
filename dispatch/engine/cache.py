"""Values that are read once and kept for a while, per process, until a hint on the bus drops them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from dispatch.bus import Bus, Hint
from dispatch.services import Services
from storage.database.pool import Conn

T = TypeVar("T")


@dataclass(slots=True)
class _Shelf(Generic[T]):
    entries: OrderedDict[str, tuple[float, T]] = field(default_factory=OrderedDict)
    #: Counts the drops, so that what was read before a drop is not kept after it.
    drops: int = 0

    def drop(self, key: str | None) -> None:
        self.drops += 1
        if key is None:
            self.entries.clear()
        else:
            self.entries.pop(key, None)


class Cached(Generic[T]):
    """A cache in front of one read. At most `size` keys, each for at most the setting `cache_s` of real time.

    A hint on `topic` drops one key (the one it carries under `hint_key`) or everything. Each wired process,
    known
    by its bus, has its own shelf.
    """

    def __init__(
        self,
        topic: str,
        read: Callable[[Conn, str], Awaitable[T]],
        *,
        size: int = 1024,
        hint_key: str | None = None,
    ) -> None:
        self._topic, self._read, self._size, self._hint_key = topic, read, size, hint_key
        self._shelves: WeakKeyDictionary[Bus, _Shelf[T]] = WeakKeyDictionary()

    async def get(self, services: Services, key: str = "") -> T:
        """The value, read anew when it is missing, too old or dropped."""
        shelf = self._shelf(services.bus)
        found = shelf.entries.get(key)
        if found is not None and time.monotonic() < found[0]:
            shelf.entries.move_to_end(key)
            return found[1]
        drops = shelf.drops
        async with services.read() as conn:
            value = await self._read(conn, key)
        if drops == shelf.drops:
            shelf.entries[key] = (time.monotonic() + services.settings.billing.cache_s, value)
            while len(shelf.entries) > self._size:
                shelf.entries.popitem(last=False)
        return value

    def drop(self, services: Services, key: str | None = None) -> None:
        """Forgets one key, or all, in this process only."""
        self._shelf(services.bus).drop(key)

    def _shelf(self, bus: Bus) -> _Shelf[T]:
        shelf = self._shelves.get(bus)
        if shelf is None:
            shelf = self._shelves[bus] = _Shelf()
            hint_key = self._hint_key
            keep = shelf

            def hinted(hint: Hint) -> None:
                keep.drop(hint.get(hint_key) if hint_key else None)

            bus.subscribe(self._topic, hinted)
        return shelf
