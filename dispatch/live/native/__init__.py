"""The short way of location frames in C, where a compiler is: what it says, and what Python sees of it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dispatch.live.reports import Judged
from geo.filter import Fix, Ping

#: A ping as fixes.c packs it: doubles, NaN for what is not there.
_PING = struct.Struct("6d")


class Batch(NamedTuple):
    """Pings of one frame, oldest first, as they were read natively: packed, how many, the newest one's time and the
    time of sending, both the phone's own in ms."""

    packed: bytes
    size: int
    newest_ms: float
    sent_at_ms: float | None

    def pings(self) -> list[Ping]:
        """Python's own, for its own way."""
        return [
            Ping(
                t_ms, lat, lng, None if accuracy_m != accuracy_m else accuracy_m, None if speed != speed else speed,
                None if heading != heading else heading,
            )
            for t_ms, lat, lng, accuracy_m, speed, heading in _PING.iter_unpack(self.packed)
        ]  # fmt: skip


class Native(Protocol):
    """The module that build.py makes of fixes.c. Neither function changes anything; None: this is not as usual, and
    Python's own way has to judge it. What they make is of the classes that they are given."""

    def read(self, made: type[Batch], frame: bytes | bytearray, start: int, /) -> Batch | None:
        """What WholeFrame reads of a frame whose payload begins at `start`."""

    def run(
        self, made: type[Judged], fix: type[Fix], pings: bytes, no: int, last: Fix, shown: Fix, now_s: float,
        offset_s: float, jobs: Sequence[object], /,
    ) -> Judged | None:  # fmt: skip
        """What FixFilter.admit() says of these pings, all newer, sharp and no jumps: a move, or standing still.
        `last` is the trusted fix that was the newest so far, `shown` the one that is shown. Those that may be decided
        on are made for whoever has `jobs`."""
