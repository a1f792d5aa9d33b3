"""What a report is made of: named columns, and rows that come some hundred at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal

Cell = str | int | float | Decimal | bool | date | datetime | time | None
Format = Literal["csv", "xlsx", "pdf"]

CONTENT_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the names of the columns, and the rows in batches."""

    title: str
    columns: Sequence[str]
    batches: AsyncIterator[Sequence[Sequence[Cell]]]


def text(cell: Cell) -> str:
    """A cell as it is read: moments in UTC to the second, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def defused(cell: Cell) -> str:
    """A cell for a file that spreadsheets open: text that would be a formula there stays text."""
    written = text(cell)
    if isinstance(cell, str) and written.lstrip(" ").startswith(_FORMULA):
        return f"'{written}"
    return written


def undone(written: str) -> str:
    """The text that `defused` made safe: what was exported is read again as it was."""
    bare = written.removeprefix("'")
    return bare if bare != written and bare.lstrip(" ").startswith(_FORMULA) else written
