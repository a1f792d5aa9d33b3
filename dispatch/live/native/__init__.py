"""The short way of location frames in C, where a compiler is: what it says, and what Python sees of it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

from geo.filter import Fix, Ping

#: A ping as fixes.c packs it: doubles, NaN for what is not there.
_PING = struct.Struct("6d")

#: The fields of a Fix.
Fields = tuple[float, float, float, float, float | None, float | None]
#: Times of all and of the moves among them (unix seconds), the moves' rows of the history, the last move (None: all
#: stood still) and the last of all; both are one object where they are one fix.
Run = tuple[list[float], list[float], list[bytes], Fields | None, Fields]


class Native(Protocol):
    """The module that build.py makes of fixes.c. Neither function changes anything; None: this is not as usual, and
    Python's own way has to judge it."""

    def read(self, frame: bytes | bytearray, start: int) -> tuple[bytes, int, float, float | None] | None:
        """What WholeFrame reads of a frame whose payload begins at `start`: packed pings in the order of their times,
        how many, the newest one's time and the time of sending, both the phone's own in ms."""

    def run(self, pings: bytes, no: int, last: Fix, shown: Fix, now_s: float, offset_s: float) -> Run | None:
        """What FixFilter.admit() says of these pings, all newer, sharp and no jumps: a move, or standing still.
        `last` is the trusted fix that was the newest so far, `shown` the one that is shown."""


class Batch:
    """Pings of one frame, oldest first, as they were read natively."""

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

    def pings(self) -> list[Ping]:
        """Python's own, for its own way."""
        return [
            Ping(
                t_ms, lat, lng, None if accuracy_m != accuracy_m else accuracy_m, None if speed != speed else speed,
                None if heading != heading else heading,
            )
            for t_ms, lat, lng, accuracy_m, speed, heading in _PING.iter_unpack(self._packed)
        ]  # fmt: skip

    def fixes(self, times: Sequence[float]) -> list[Fix]:
        """The same as fixes of these times, each of which says how accurate it is."""
        return [
            Fix(at_s, lat, lng, accuracy_m, None if speed != speed else speed, None if heading != heading else heading)
            for at_s, (_, lat, lng, accuracy_m, speed, heading) in zip(
                times, _PING.iter_unpack(self._packed), strict=True
            )
        ]

    def run(self, no: int, last: Fix, shown: Fix, now_s: float, offset_s: float) -> Run | None:
        """Native.run() of these pings."""
        return self._native.run(self._packed, no, last, shown, now_s, offset_s)
