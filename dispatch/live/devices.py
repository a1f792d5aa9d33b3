"""The phones that report: how often they may, and how far their clocks are off. In memory, by technician number."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geo.device_clock import DeviceClock

#: Phones of one technician whose clocks are remembered; the one that was new first is forgotten first.
MOST_DEVICES = 4


@dataclass(slots=True)
class Bucket:
    """How many reports a technician may still send; filled by the domain's time."""

    tokens: float
    at_s: float


class Devices:
    """One bucket per technician, one clock per phone."""

    def __init__(self, rate_per_s: float = 1.0, burst: float = 5.0) -> None:
        """Reports a second and at once, by the domain's time, per technician (not per socket)."""
        self._rate_per_s, self._burst = rate_per_s, burst
        self._buckets: dict[int, Bucket] = {}
        self._clocks: dict[int, dict[str, DeviceClock]] = {}

    def wait_s(self, no: int, now_s: float) -> float:
        """0 when the technician may report now, which counts; else how long to wait, in seconds."""
        bucket = self._buckets.get(no)
        if bucket is None:
            bucket = self._buckets[no] = Bucket(self._burst, now_s)
        tokens = min(self._burst, bucket.tokens + max(0.0, now_s - bucket.at_s) * self._rate_per_s)
        bucket.at_s = now_s
        if tokens >= 1.0:
            bucket.tokens = tokens - 1.0
            return 0.0
        bucket.tokens = tokens
        return math.ceil((1.0 - tokens) / self._rate_per_s * 10.0) / 10.0

    def clock(self, no: int, device: str) -> DeviceClock:
        """The clock of one phone; a new one is known to be right until it is heard."""
        clocks = self._clocks.get(no)
        if clocks is None:
            clocks = self._clocks[no] = {}
        known = clocks.get(device)
        if known is None:
            if len(clocks) >= MOST_DEVICES:
                del clocks[next(iter(clocks))]
            known = clocks[device] = DeviceClock()
        return known

    def forget(self, no: int) -> None:
        """The technician left: nothing is kept of them."""
        self._buckets.pop(no, None)
        self._clocks.pop(no, None)
