"""What a simulation ends with: counts for people and scripts, and whether anything was missed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `_s` are seconds of the domain's time; `pings_dropped` is by the step that dropped them.

    `left_waiting`: numbers of bookings in the queue for a reason that has passed, while somebody fitting is free.
    """

    technicians: int
    customers: int
    seed: int
    speed: float
    simulated_s: float
    trips: int
    bad_rows: dict[str, int]
    reports_sent: int
    reports_lost: int
    pings_sent: int
    pings_admitted: int
    pings_refreshed: int
    pings_dropped: dict[str, int]
    offers_made: int
    offers: dict[str, int]
    assign_p50_s: float | None
    assign_p95_s: float | None
    arrivals_detected: int
    arrivals_by_hand: int
    positions_seen: int
    bookings: dict[str, int]
    turned_away: dict[str, int]
    paid_online: int
    rated: int
    facts_told: int
    missed_events: int
    left_waiting: list[str]
    gaps_repaired: int
    repeated_events: int
    resets: int
    reconnects: int
    errors: int
    error_words: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing missed, nothing wrong, and nobody left waiting for somebody who is free."""
        return self.missed_events == 0 and self.errors == 0 and not self.left_waiting

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        """A table for a terminal."""
        table = Table(title="Simulation", show_header=False, title_justify="left")
        for name, value in self._lines():
            table.add_row(name, value)
        out = StringIO()
        Console(file=out, width=110).print(table)
        words = "".join(f"  {line}\n" for line in self.error_words)
        return out.getvalue() + (f"Errors:\n{words}" if words else "")

    def _lines(self) -> list[tuple[str, str]]:
        return [
            ("technicians, customers", f"{self.technicians}, {self.customers} (seed {self.seed})"),
            ("time", f"{self.simulated_s / 60:.0f} minutes at {self.speed:g} times real time"),
            ("recorded trips", f"{self.trips}{_counts(self.bad_rows, ' (rows not usable: ', ')')}"),
            ("pings sent", f"{self.pings_sent} in {self.reports_sent} reports"),
            ("pings admitted", f"{self.pings_admitted}, and {self.pings_refreshed} from the same place"),
            ("pings dropped", _counts(self.pings_dropped) or "none"),
            ("offers made", f"{self.offers_made}{_counts(self.offers, ': ')}"),
            ("time to assign", f"p50 {_seconds(self.assign_p50_s)}, p95 {_seconds(self.assign_p95_s)}"),
            ("arrivals", f"{self.arrivals_detected} detected, {self.arrivals_by_hand} told by hand"),
            ("bookings", _counts(self.bookings) or "none"),
            ("turned away", _counts(self.turned_away) or "none"),
            ("paid online, rated", f"{self.paid_online}, {self.rated}"),
            ("positions seen by customers", str(self.positions_seen)),
            ("events told", f"{self.facts_told} ({self.repeated_events} twice, {self.gaps_repaired} gaps repaired)"),
            ("reconnects, resets", f"{self.reconnects}, {self.resets}"),
            ("events missed", str(self.missed_events)),
            ("waiting while somebody is free", ", ".join(self.left_waiting) or "none"),
            ("errors", str(self.errors)),
        ]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _counts(counts: dict[str, int], before: str = "", after: str = "") -> str:
    if not counts:
        return ""
    return before + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) + after


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
