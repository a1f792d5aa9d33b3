"""What a bench part measured: one value here, the same of a peer in the same run, and what is wanted of the ratio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `theirs` are medians over the rounds, in `unit`; more is better where `is_rate`."""

    part: str
    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    is_rate: bool = False
    wanted: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; under 1 is worse."""
        if not self.theirs or not self.ours:
            return None
        return self.ours / self.theirs if self.is_rate else self.theirs / self.ours

    @classmethod
    def of(cls, told: dict[str, Any]) -> Figure:
        """What `as_dict` made."""
        return cls(**{one.name: told[one.name] for one in fields(cls)})

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


class Rounds:
    """Values of several rounds by who and what; each round measures everybody, in turns."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, who: str, what: str, value: float) -> None:
        self._values[who, what].append(value)

    def of(self, who: str, what: str) -> float | None:
        found = self._values.get((who, what))
        return median(found) if found else None


def spoken(value: float | None, unit: str) -> str:
    """A value for people: few digits, and its unit."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def table(figures: Iterable[Figure]) -> list[tuple[str, str, str, str, str]]:
    """Rows for people: what, here, against, ratio, wanted."""
    rows = []
    for one in figures:
        against = f"{spoken(one.theirs, one.unit)}, {one.peer}" if one.theirs is not None else ""
        against = ": ".join(filter(None, (against, one.note)))
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}x"
        rows.append((f"{one.part}: {one.what}", spoken(one.ours, one.unit), against, ratio, one.wanted))
    return rows


def markdown(figures: Iterable[Figure]) -> str:
    """A table of the README: one row for what was measured, with everybody who stood beside it."""
    lines = ["| measured | here | against | times better | wanted |", "| --- | --- | --- | --- | --- |"]
    rows: dict[tuple[str, str, str], list[Figure]] = defaultdict(list)
    for one in figures:
        rows[one.what, one.unit, spoken(one.ours, one.unit)].append(one)
    for (what, _, here), beside in rows.items():
        peers = [one for one in beside if one.theirs is not None]
        against = "; ".join(f"{one.peer} {spoken(one.theirs, '')}" for one in peers)
        notes = "; ".join(dict.fromkeys(one.note for one in beside if one.note))
        times = "; ".join("" if one.ratio is None else _times(one.ratio) for one in peers)
        wanted = "; ".join(dict.fromkeys(one.wanted for one in beside if one.wanted))
        measured = what + (f" ({notes})" if notes else "")
        lines.append(f"| {measured} | {here} | {against} | {times} | {wanted} |")
    return "\n".join(lines)


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1.05 else f"{ratio:.2f}"
