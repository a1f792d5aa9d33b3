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


class Judged(NamedTuple):
    """What the filter made of a batch.

    `times` are those of the admitted fixes (unix seconds); `rows` are their rows of the history where they are made
    already, else `samples` (pings or fixes) say the rest. `decided` are the fixes that may be decided on, made for
    whoever is on a job. Then where the batch ended: the last move, the last fix, the last that may be believed, the
    last that is sure, and whether offers may be made from there.
    """

    times: list[float]
    rows: list[bytes] | None
    samples: Sequence[Any]
    decided: Sequence[Fix]
    placed: Fix | None
    newest: Fix | None
    believed: Fix | None
    sure: Fix | None
    is_dispatchable: bool
    refreshed: int
    recorded: int

    @classmethod
    def clean(cls, times: list[float], pings: list[Ping], last: Fix | None, *, is_on_job: bool) -> Judged:
        """A batch of nothing but clean fixes."""
        return cls(times, None, pings, _fixes(times, pings) if is_on_job else (), last, last, last, last, True, 0, 0)


class Judging:
    """A batch that is judged piece by piece."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._samples: list[Any] = []
        self._decided: list[Fix] = []
        self._newest: Fix | None = None
        self._placed: Fix | None = None
        self._believed: Fix | None = None
        self._sure: Fix | None = None
        self._is_dispatchable = True
        self._refreshed = self._recorded = 0

    def take_run(self, times: list[float], pings: Sequence[Ping], last: Fix | None) -> None:
        """Some more clean fixes, of which the last one is each that a fix can be."""
        self._times += times
        self._samples += pings
        self._decided += _fixes(times, pings)
        self._newest = self._placed = self._believed = self._sure = last
        self._is_dispatchable = True

    def take(self, verdict: Verdict, fix: Fix) -> None:
        """One that was not dropped is what its verdict says."""
        self._newest, self._is_dispatchable = fix, verdict.dispatchable
        if verdict.kind is Kind.ADMITTED:
            self._times.append(fix.at_s)
            self._samples.append(fix)
            self._placed = fix
        else:
            self._refreshed += 1
        if verdict.believed:
            self._believed = fix
        if verdict.decidable:
            self._decided.append(fix)
            self._sure = fix

    def record(self) -> None:
        """One that is of the history alone."""
        self._recorded += 1

    def done(self) -> Judged:
        return Judged(
            self._times, None, self._samples, self._decided, self._placed, self._newest, self._believed, self._sure,
            self._is_dispatchable, self._refreshed, self._recorded,
        )  # fmt: skip


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
