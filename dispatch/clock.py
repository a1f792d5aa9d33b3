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

    Tokens, sockets and the gateway live in real time, not in the domain's. A machine's own clock may be off: what it is
    off by the database's is added (`correct`), so that all nodes and the database speak of the same moment.
    """

    def __init__(self, reading: Reading | None = None) -> None:
        self._reading = reading or Reading(0.0, 0.0, 1.0)
        #: How far the database's clock is ahead of this machine's, in seconds.
        self._off_s = 0.0

    def set(self, reading: Reading) -> None:
        self._reading = reading

    @property
    def reading(self) -> Reading:
        return self._reading

    @property
    def speed(self) -> float:
        return self._reading.speed

    @property
    def off_s(self) -> float:
        """What is added to the machine's clock, in seconds."""
        return self._off_s

    def correct(self, off_s: float) -> None:
        """From now on so many seconds are added to the machine's clock."""
        self._off_s = off_s

    def timestamp(self) -> float:
        """The domain's time in unix seconds."""
        r = self._reading
        return r.app_at + (time.time() + self._off_s - r.real_at) * r.speed

    def real_s(self) -> float:
        """Real time in unix seconds, whatever the domain's does."""
        return time.time() + self._off_s

    def now(self) -> datetime:
        """The domain's time, aware, UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    @property
    def ahead_s(self) -> float:
        """How far the domain's time is ahead of real time just now, in seconds; negative behind it."""
        return self.timestamp() - self.real_s()

    def real_seconds_until(self, moment: datetime) -> float:
        """How long to sleep in real seconds until `moment`; infinite while time stands still."""
        ahead = moment.timestamp() - self.timestamp()
        if ahead <= 0:
            return 0.0
        return ahead / self.speed if self.speed > 0 else float("inf")

    def shifted(self, by: timedelta) -> Reading:
        """The reading that moves the domain's time by `by` from now on, at the same speed."""
        real = self.real_s()
        return Reading(real, self.timestamp() + by.total_seconds(), self.speed)

    def scaled(self, speed: float) -> Reading:
        """The reading that runs at `speed` from the present domain time on."""
        return Reading(self.real_s(), self.timestamp(), speed)
