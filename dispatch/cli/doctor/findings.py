"""What was looked at, how it is, and what to do; and how that is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do if it is not well."""

    what: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def first_line(error: Exception) -> str:
    """What an error says, in one line; its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def show(findings: list[Finding]) -> None:
    """Prints them as a table."""
    from rich.console import Console
    from rich.table import Table

    colours: Callable[[Verdict], str] = {"ok": "green", "note": "yellow", "wrong": "bold red"}.__getitem__
    table = Table("", "what", "seen", "what to do", box=None, pad_edge=False)
    for f in findings:
        table.add_row(f"[{colours(f.verdict)}]{f.verdict}[/]", f.what, f.seen.replace("[", "\\["), f.remedy)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
