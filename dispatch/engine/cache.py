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
from storage.database.errors import StorageError
from storage.database.pool import Conn

T = TypeVar("T")

#: While hints of other nodes may be missed, and of what was read before, a value is good for so many real seconds.
DEAF_S = 3.0


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    """A value, and when reading it began and until when it is good (monotonic, seconds)."""

    read_at: float
    until: float
    value: T


@dataclass(slots=True)
class _Shelf(Generic[T]):
    entries: OrderedDict[str, _Entry[T]] = field(default_factory=OrderedDict)
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

    A hint on `topic` drops one key (the one it carries under `hint_key`) or everything; what was read while hints of
    other nodes may have been missed is read anew after DEAF_S. Each wired process, known by its bus, has its own shelf.
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
        shelf, now = self._shelf(services.bus), time.monotonic()
        found = shelf.entries.get(key)
        if found is not None and now < found.until and self._is_told(services.bus, found, now):
            shelf.entries.move_to_end(key)
            return found.value
        drops = shelf.drops
        try:
            async with services.read() as conn:
                value = await self._read(conn, key)
        except StorageError:
            if found is None or now >= found.until or drops != shelf.drops:
                raise
            # What could not be read can hardly have been changed.
            return found.value
        if drops == shelf.drops:
            shelf.entries[key] = _Entry(now, time.monotonic() + services.settings.billing.cache_s, value)
            while len(shelf.entries) > self._size:
                shelf.entries.popitem(last=False)
        return value

    @staticmethod
    def _is_told(node_bus: Bus, found: _Entry[T], now: float) -> bool:
        """Whether a change since it was read would have been heard of, or it is young enough."""
        return found.read_at >= node_bus.heard_since or now < found.read_at + DEAF_S

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
