"""What runs of the bench found, kept in a file part by part; the README's tables are made from it."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dispatch.bench.figures import Figure, markdown, spoken

#: A part with more figures is summed up.
MOST_ROWS = 50


def told(rounds: int, load: float, figures: Sequence[Figure]) -> dict[str, Any]:
    """A run: when, on what, how busy the machine was before it, and its figures."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(), "load": load,
        "python": f"{platform.python_version()} of {sys.base_prefix}", "rounds": rounds,
        "figures": [one.as_dict() for one in figures],
    }  # fmt: skip


def keep(file: Path, runs: dict[str, dict[str, Any]]) -> None:
    """Puts runs, by what was typed for each, into the file; what is there of other runs stays.

    Raises OSError, ValueError where the file holds something else.
    """
    kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(kept | runs, indent=1) + "\n")


def tables(file: Path) -> str:
    """The README's tables: one for each run in the file, under what is typed to make it.

    Raises OSError, and ValueError, KeyError or TypeError where the file holds something else.
    """
    found: dict[str, dict[str, Any]] = json.loads(file.read_text())
    return "\n\n".join(f"{_head(name, run)}\n\n{_table(run)}" for name, run in found.items())


def _head(name: str, run: dict[str, Any]) -> str:
    rounds = "one round" if run["rounds"] == 1 else f"{run['rounds']} rounds"
    return f"`./run bench {name}`, {run['at'][:10]}, {rounds}, load average before it {run['load']:.1f}:"


def _table(run: dict[str, Any]) -> str:
    figures = [Figure.of(one) for one in run["figures"]]
    return markdown(figures) if len(figures) <= MOST_ROWS else _summary(figures)


def _summary(figures: Sequence[Figure]) -> str:
    """Too many for a reader: how many there are of what is wanted, from the least to the most, and which that is."""
    lines = ["| measured | the least | the most | which | wanted |", "| --- | --- | --- | --- | --- |"]
    for unit, wanted in dict.fromkeys((one.unit, one.wanted) for one in figures):
        these = sorted((one for one in figures if (one.unit, one.wanted) == (unit, wanted)), key=lambda one: one.ours)
        ends = [spoken(these[end].ours, unit) for end in (0, -1)]
        lines.append(f"| {len(these)} of them | {ends[0]} | {ends[1]} | {these[-1].what} | {wanted} |")
    return "\n".join(lines)
