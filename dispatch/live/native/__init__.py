"""The short way of location frames in C, where a compiler is: what it says, and what Python sees of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Protocol

from geo.filter import Fix, Ping

#: A ping as fixes.c packs it: doubles, NaN for what is not there.
_PING = struct.Struct("6d")

#: Times (unix seconds), rows of the history, and the fields of the last Fix.
Run = tuple[list[float], list[bytes], tuple[float, float, float, float, float | None, float | None]]


class Native(Protocol):
    """The module that build.py makes of fixes.c. Neither function changes anything; None: this is not as usual, and
    Python's own way has to judge it."""

    def read(self, frame: bytes | bytearray, start: int) -> tuple[bytes, int, float, float | None] | None:
        """What WholeFrame reads of a frame whose payload begins at `start`: packed pings in the order of their times,
        how many, the newest one's time and the time of sending, both the phone's own in ms."""

    def run(self, pings: bytes, no: int, before: Fix, now_s: float, offset_s: float) -> Run | None:
        """What FixFilter.admit_run() says of all these pings from the trusted fix `before` on, and their rows of the
        history."""


class Batch:
    """Pings of one frame, oldest first, as they were read natively. Iterating makes them."""

    __slots__ = ("_native", "_packed", "_size", "newest_ms", "sent_at_ms")

    def __init__(self, native: Native, packed: bytes, size: int, newest_ms: float, sent_at_ms: float | None) -> None:
        self._native, self._packed, self._size = native, packed, size
        self.newest_ms, self.sent_at_ms = newest_ms, sent_at_ms

    @classmethod
    def read(cls, native: Native, frame: bytearray, start: int) -> Batch | None:
        """The batch in a frame whose payload begins at `start`; None for one that is not as usual."""
        found = native.read(frame, start)
        return None if found is None else cls(native, *found)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Ping]:
        for t_ms, lat, lng, *optional in _PING.iter_unpack(self._packed):
            yield Ping(t_ms, lat, lng, *(None if value != value else value for value in optional))

    def run(self, no: int, before: Fix, now_s: float, offset_s: float) -> Run | None:
        """Native.run() of these pings."""
        return self._native.run(self._packed, no, before, now_s, offset_s)
