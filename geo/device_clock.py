"""A phone's clock against the server's: how far apart they are, estimated from what arrives and never trusted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How samples of one clock are told from those of another. All in seconds; counts are frames."""

    #: So near to the estimate is the same clock, heard through another latency.
    same_s: float = 30.0
    #: Without a send time the newest fix stands for one, and nothing is known yet: what is older than this may as
    #: well be a position that the phone had kept.
    first_s: float = 600.0
    #: A clock that was set anew is believed when this many frames, over this time, agree within this much. A
    #: backlog that is being emptied never does: each frame is younger than the one before by more than time passed.
    frames: int = 3
    span_s: float = 4.0
    step_s: float = 2.0
    #: Latency only makes a clock look slower, so the smallest sample counts, and fades by this much per second.
    fade: float = 0.01


DEFAULT_TOLERANCE = Tolerance()


class DeviceClock:
    """The memory of one device's clock. `offset_s` is to be added to the device's time to get the server's."""

    __slots__ = ("_agreeing", "_at_s", "_claim_s", "_claimed_at_s", "_claims", "_offset_s", "_tolerance")

    def __init__(self, tolerance: Tolerance = DEFAULT_TOLERANCE) -> None:
        self._tolerance = tolerance
        self._offset_s: float | None = None
        self._agreeing = 0
        self._at_s = 0.0
        self._claim_s = self._claimed_at_s = 0.0
        self._claims = 0

    @property
    def offset_s(self) -> float:
        """Server's time less the device's; 0 while nothing is known."""
        return self._offset_s or 0.0

    def hear(self, device_s: float, now_s: float, *, is_sent: bool = False) -> float:
        """A frame came at `now_s` (server); the device's clock showed `device_s` when it was sent (`is_sent`), or
        when its newest fix was taken. Returns the offset from now on, in seconds."""
        t, sample_s = self._tolerance, now_s - device_s
        if self._offset_s is None:
            if is_sent or sample_s <= t.first_s or self._is_confirmed(sample_s, now_s):
                self._believe(sample_s, now_s)
            return self.offset_s
        off_s = sample_s - self._offset_s
        if abs(off_s) > t.same_s:
            # Before the estimate is well founded, a clock that is right is likelier than one that is wrong.
            if self._agreeing < t.frames and abs(sample_s) <= t.same_s:
                self._believe(sample_s, now_s)
            elif self._is_confirmed(sample_s, now_s):
                self._believe(min(sample_s, self._claim_s), now_s)
            return self._offset_s
        self._claims = 0
        self._agreeing += 1
        if off_s <= 0.0:
            self._offset_s = sample_s
        elif now_s > self._at_s:
            fades_s = (now_s - self._at_s) * t.fade
            self._offset_s += fades_s if fades_s < off_s else off_s
        self._at_s = now_s
        return self._offset_s

    def _believe(self, offset_s: float, now_s: float) -> None:
        self._offset_s, self._at_s = offset_s, now_s
        self._agreeing, self._claims = 1, 0

    def _is_confirmed(self, sample_s: float, now_s: float) -> bool:
        """Counts a sample that contradicts the estimate; True when enough of them agree with each other."""
        t = self._tolerance
        if self._claims == 0 or abs(sample_s - self._claim_s) > t.step_s:
            self._claim_s, self._claimed_at_s, self._claims = sample_s, now_s, 1
            return False
        self._claims += 1
        return self._claims >= t.frames and now_s - self._claimed_at_s >= t.span_s
