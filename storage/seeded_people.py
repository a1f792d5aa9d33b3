"""Whom one can sign in as in development."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("seeded_people")


@dataclass(frozen=True, slots=True)
class SeededPerson:
    kind: str
    name: str
    label: str


first_ones = sql.rows("first_ones", SeededPerson)
