"""Rows of what integrations asked for, counted per day and route."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("integration_usage")


@dataclass(frozen=True, slots=True)
class Standing:
    """`used` are the calls of this month that have been added so far."""

    status: str
    monthly_limit: int
    burst_limit: int
    used: int


@dataclass(frozen=True, slots=True)
class Over:
    id: UUID
    name: str
    used: int
    monthly_limit: int


@dataclass(frozen=True, slots=True)
class Totals:
    total: int
    this_month: int
    refused: int


@dataclass(frozen=True, slots=True)
class OfDay:
    day: date
    requests: int
    refused: int


@dataclass(frozen=True, slots=True)
class OfRoute:
    route: str
    requests: int
    refused: int


standing = sql.row("standing", Standing)
add = sql.run("add")
over = sql.rows("over", Over)
alerted = sql.scalar("alerted", UUID)
seen = sql.run("seen")
totals = sql.row("totals", Totals)
by_day = sql.rows("by_day", OfDay)
by_route = sql.rows("by_route", OfRoute)
purge = sql.run("purge")
