"""The domain's time: real time, shifted and scaled; PostgreSQL's app_now() reads the same row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of app_clock: at real time `real_at` (unix s) the domain's time was `app_at` (unix s)."""

    real_at: float
    app_at: float
    speed: float


class Clock:
    """Gives the domain's now. Speed 1 and no offset in production; 0 stands still (tests advance it).

    Tokens, sockets and the gateway live in real time and never ask this clock.
    """

    def __init__(self, reading: Reading | None = None) -> None:
        self._reading = reading or Reading(0.0, 0.0, 1.0)

    def set(self, reading: Reading) -> None:
        self._reading = reading

    @property
    def reading(self) -> Reading:
        return self._reading

    @property
    def speed(self) -> float:
        return self._reading.speed

    def timestamp(self) -> float:
        """The domain's time in unix seconds."""
        r = self._reading
        return r.app_at + (time.time() - r.real_at) * r.speed

    def now(self) -> datetime:
        """The domain's time, aware, UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    @property
    def ahead_s(self) -> float:
        """How far the domain's time is ahead of the machine's just now, in seconds; negative behind it."""
        return self.timestamp() - time.time()

    def real_seconds_until(self, moment: datetime) -> float:
        """How long to sleep in real seconds until `moment`; infinite while time stands still."""
        ahead = moment.timestamp() - self.timestamp()
        if ahead <= 0:
            return 0.0
        return ahead / self.speed if self.speed > 0 else float("inf")

    def shifted(self, by: timedelta) -> Reading:
        """The reading that moves the domain's time by `by` from now on, at the same speed."""
        real = time.time()
        return Reading(real, self.timestamp() + by.total_seconds(), self.speed)

    def scaled(self, speed: float) -> Reading:
        """The reading that runs at `speed` from the present domain time on."""
        return Reading(time.time(), self.timestamp(), speed)
