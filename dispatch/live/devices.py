"""The phones that report: how often they may, and how far their clocks are off. In memory, of one technician each."""

from __future__ import annotations

import math

from geo.device_clock import DeviceClock

#: Phones of one technician whose clocks are remembered; the one that was new first is forgotten first.
MOST_DEVICES = 4


class Bucket:
    """How many reports a technician may still send; it starts full and is filled by the domain's time."""

    __slots__ = ("_at_s", "_burst", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst
        self._tokens, self._at_s = burst, 0.0

    def wait_s(self, now_s: float) -> float:
        """0 when the technician may report now, which counts; else how long to wait, in seconds."""
        tokens, passed_s = self._tokens, now_s - self._at_s
        self._at_s = now_s
        if passed_s > 0.0:
            tokens += passed_s * self._rate_per_s
            if tokens > self._burst:
                tokens = self._burst
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return math.ceil((1.0 - tokens) / self._rate_per_s * 10.0) / 10.0


class Clocks(dict[str, DeviceClock]):
    """The clock of each phone of a technician, by its name; a new one is known to be right until it is heard."""

    def __missing__(self, device: str) -> DeviceClock:
        if len(self) >= MOST_DEVICES:
            del self[next(iter(self))]
        clock = self[device] = DeviceClock()
        return clock


class Devices:
    """How often technicians may report: so many a second and at once, by the domain's time, whatever their sockets."""

    def __init__(self, rate_per_s: float = 1.0, burst: float = 5.0) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst

    def bucket(self) -> Bucket:
        """A full one, for one technician."""
        return Bucket(self._rate_per_s, self._burst)
