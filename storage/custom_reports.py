"""Rows of report_definitions: what an organisation wants to be told, once or again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import Listed, Sort

sql = Statements("custom_reports")


@dataclass(frozen=True, slots=True)
class Definition:
    """`within`: the department that its maker is bound to. Without a frequency it is made once."""

    id: UUID
    organisation_id: UUID
    within: UUID | None
    name: str
    metrics: list[str]
    dimensions: list[str]
    filters: dict[str, Any]
    format: str
    frequency: str | None
    recipients: list[str]
    next_on: date | None
    last_run_at: datetime | None
    created_at: datetime


insert = sql.scalar("insert", UUID)
get = sql.row("get", Definition)
due = sql.rows("due", Definition)
ran = sql.scalar("ran", UUID)
delete = sql.scalar("delete", UUID)

of_organisation = Listed(
    sql, "of_organisation", Definition, key=Sort("r.id", "uuid"),
    sorts={"created": Sort("r.created_at", "timestamptz")}, default_sort=(("created", True),),
    indexed=[("created", ())],
)  # fmt: skip
