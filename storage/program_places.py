"""Rows of program_places: where a program is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("program_places")


@dataclass(frozen=True, slots=True)
class ProgramPlace:
    id: UUID
    name: str
    place: dict[str, Any]


insert = sql.scalar("insert", UUID)
of_program = sql.rows("of_program", ProgramPlace)
delete = sql.scalar("delete", UUID)
