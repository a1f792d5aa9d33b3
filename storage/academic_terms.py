"""Rows of academic_terms: the terms of a school, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("academic_terms")


@dataclass(frozen=True, slots=True)
class Term:
    id: UUID
    name: str
    academic_year: str
    starts_on: date
    ends_on: date
    holidays: list[date]


insert = sql.scalar("insert", UUID)
of_year = sql.rows("of_year", Term)
of_organisation = sql.rows("of_organisation", Term)
delete = sql.scalar("delete", UUID)
