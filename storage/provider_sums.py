"""Rows of provider_days: a provider's lines summed up per local day, kept by a trigger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from storage.database.binder import Statements

sql = Statements("provider_sums")


@dataclass(frozen=True, slots=True)
class Totals:
    lines: int
    settled_minor: int


@dataclass(frozen=True, slots=True)
class DaySum:
    day: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class HourSum:
    hour: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class StatusSum:
    status: str
    lines: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    total: int
    arrived: int
    active: int


totals = sql.row("totals", Totals)
income_by_day = sql.rows("income_by_day", DaySum)
income_by_hour = sql.rows("income_by_hour", HourSum)
by_status = sql.rows("by_status", StatusSum)
payouts = sql.scalar("payouts", int)
lines_between = sql.scalar("lines_between", int)
subscribers_at = sql.scalar("subscribers_at", int)
customers = sql.row("customers", CustomerCounts)
clear = sql.run("clear")
fill = sql.run("fill")
