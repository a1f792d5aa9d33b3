"""What a report of positions leaves: where a technician was seen, what became of its fixes, or why none was taken."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.errors import Invalid, Throttled
from geo.filter import Fix, Kind, Verdict


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
class Ending:
    """Where a batch ended: its last fix, the last that was a move, and the last that may be believed or decided on."""

    newest: Fix | None = None
    placed: Fix | None = None
    is_dispatchable: bool = False
    believed: Fix | None = None
    sure: Fix | None = None

    def take(self, verdict: Verdict) -> None:
        """A fix that was not dropped is what its verdict says."""
        self.newest, self.is_dispatchable = verdict.fix, verdict.dispatchable
        if verdict.kind is Kind.ADMITTED:
            self.placed = verdict.fix
        if verdict.believed:
            self.believed = verdict.fix
        if verdict.decidable:
            self.sure = verdict.fix

    def all_of(self, fix: Fix) -> None:
        """A clean fix is each of them."""
        self.newest = self.placed = self.believed = self.sure = fix
        self.is_dispatchable = True


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch: admitted, standing still, dropped by step, and too late for the live map but kept in
    history. `clock_offset_ms` is what was added to the phone's times to get the server's."""

    admitted: int
    refreshed: int
    dropped: dict[str, int]
    recorded: int = 0
    clock_offset_ms: int = 0
