"""Rows of partner imports: a table of trade partners, row by row, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("partner_imports")


@dataclass(frozen=True, slots=True)
class Import:
    """A table as it was sent: by whom, what they may do, and whether codes that are known are changed.

    `ignored`: its columns that no field of a partner answers to.
    """

    id: UUID
    made_by: str | None
    may_credit: bool
    updates: bool
    total: int
    ignored: list[str]
    state: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pending:
    line: int
    given: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: `pending`, `created`, `updated` or `failed`."""

    line: int
    result: str
    partner_no: int | None
    partner_code: str | None
    message: str | None
    errors: dict[str, list[str]]


insert = sql.scalar("insert", UUID)
add_rows = sql.run("add_rows")
get = sql.row("get", Import)
of_asked = sql.row("of_asked", Import)
lock = sql.row("lock", Import)
next_row = sql.row("next_row", Pending)
settle = sql.run("settle")
finish = sql.run("finish")
rows_of = sql.rows("rows_of", Outcome)
purge = sql.run("purge")
