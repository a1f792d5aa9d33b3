"""Rows of enrolments: a table of people, row by row, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("enrolments")


@dataclass(frozen=True, slots=True)
class Enrolment:
    id: UUID
    organisation_id: UUID
    made_by: str
    role: str
    within: UUID | None
    department_id: UUID | None
    access_level: str
    state: str
    total: int
    created_at: datetime
    finished_at: datetime | None
    successful: int
    failed: int


@dataclass(frozen=True, slots=True)
class Pending:
    row: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """`row` 1 is the first below the heading."""

    enrolment_id: UUID
    row: int
    data: dict[str, Any]
    status: str
    member_id: UUID | None
    error: str | None


insert = sql.scalar("insert", UUID)
add_rows = sql.run("add_rows")
set_total = sql.run("set_total")
get = sql.row("get", Enrolment)
next_rows = sql.rows("next_rows", Pending)
settle = sql.run("settle")
finish = sql.run("finish")
first_rows = sql.rows("first_rows", Row)
failed_rows = sql.rows("failed_rows", Row)

rows_of = Listed(
    sql, "rows_of", Row,
    key=Sort("r.row", "int"),
    sorts={"row": Sort("r.row", "int")},
    default_sort=(("row", False),),
    filters={"status": AnyOf("r.status", "text")},
    columns="row_columns", source="row_source", indexed=[("row", ())],
)  # fmt: skip
