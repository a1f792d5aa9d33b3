"""What a report of positions leaves: where a technician was seen, what became of its fixes, or why none was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from dispatch.errors import Invalid, Throttled
from geo.filter import Fix, Kind, Ping, Verdict


class Unreadable(Invalid):
    """Nothing in this report is a fix."""


class TooOften(Throttled):
    """Reports come too often; nothing of this one was taken. Keep its fixes and send them again a little later."""

    code = "rate_limited"


@dataclass(slots=True)
class Seen:
    """A technician's live position: degrees, metres, unix seconds of the domain's time.

    `sure` is the last fix that decisions may be based on; a vaguer one is shown and nothing more. `believed` is the
    last that a customer may be shown: never a jump that has not settled.
    """

    id: UUID
    no: int
    lat: float
    lng: float
    accuracy_m: float
    fix_at_s: float
    speed_mps: float | None = None
    heading_deg: float | None = None
    is_dispatchable: bool = True
    sure: Fix | None = None
    believed: Fix | None = None


@dataclass(slots=True)
class Judged:
    """What the filter made of a batch: the times of the admitted fixes and the samples (pings or fixes) that say the
    rest, those that may be decided on (None: all of them), and where it ended: its last fix, the last that was a move,
    the last that may be believed and the last that is sure. `rows`: those of the history, where they are made already.
    """

    times: list[float]
    samples: list[Any]
    decidable: list[Fix] | None = None
    newest: Fix | None = None
    placed: Fix | None = None
    believed: Fix | None = None
    sure: Fix | None = None
    is_dispatchable: bool = True
    refreshed: int = 0
    recorded: int = 0
    rows: list[bytes] | None = None

    @classmethod
    def clean(cls, times: list[float], pings: list[Ping], last: Fix | None) -> Judged:
        """A batch of nothing but clean fixes."""
        return cls(times, pings, None, last, last, last, last)

    @classmethod
    def settled(
        cls, times: list[float], rows: list[bytes], fixes: list[Fix], newest: Fix, placed: Fix | None, refreshed: int
    ) -> Judged:
        """A batch of clean fixes and of those that stand still, with its rows of the history. `fixes`, of which nobody
        may want to decide anything, can be left out."""
        return cls(times, [], fixes, newest, placed, newest, newest, refreshed=refreshed, rows=rows)

    def take_run(self, times: list[float], pings: Sequence[Ping], last: Fix | None) -> None:
        """Some more clean fixes, of which the last one is each that a fix can be."""
        self.times += times
        self.samples += pings
        if self.decidable is not None:
            self.decidable += _fixes(times, pings)
        self.newest = self.placed = self.believed = self.sure = last
        self.is_dispatchable = True

    def take(self, verdict: Verdict, fix: Fix) -> None:
        """One that was not dropped is what its verdict says."""
        self.newest, self.is_dispatchable = fix, verdict.dispatchable
        if verdict.kind is Kind.ADMITTED:
            self.times.append(fix.at_s)
            self.samples.append(fix)
            self.placed = fix
        else:
            self.refreshed += 1
        if verdict.believed:
            self.believed = fix
        if verdict.decidable and self.decidable is not None:
            self.decidable.append(fix)
        if verdict.decidable:
            self.sure = fix

    def decided(self) -> list[Fix]:
        """The fixes that may be decided on, in order."""
        return _fixes(self.times, self.samples) if self.decidable is None else self.decidable


def _fixes(times: Sequence[float], samples: Sequence[Any]) -> list[Fix]:
    return [Fix(at_s, *sample[1:]) for at_s, sample in zip(times, samples, strict=True)]


class Report(NamedTuple):
    """What became of a batch: admitted, standing still, dropped by step, and too late for the live map but kept in
    history. `clock_offset_ms` is what was added to the phone's times to get the server's."""

    admitted: int
    refreshed: int
    dropped: dict[str, int]
    recorded: int = 0
    clock_offset_ms: int = 0
