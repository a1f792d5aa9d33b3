"""Rows of days on which technicians do not work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("days_off")


@dataclass(frozen=True, slots=True)
class DayOff:
    day: date


@dataclass(frozen=True, slots=True)
class Locked:
    """Of the locked technician: what decides which jobs a day off would hit."""

    working_hours: dict[str, Any]
    zone_id: UUID | None


@dataclass(frozen=True, slots=True)
class JobThen:
    """An accepted job near a day."""

    id: UUID
    number: str
    starts_at: datetime
    ends_at: datetime
    timezone: str


page = sql.rows("page", DayOff)
lock = sql.row("lock", Locked)
add = sql.run("add")
remove = sql.run("remove")
keep = sql.run("keep")
any_of = sql.scalar("any_of", bool)
jobs_around = sql.rows("jobs_around", JobThen)
