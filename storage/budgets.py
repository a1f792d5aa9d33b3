"""Rows of budgets: what is allotted from a month on, and each month's account of what was reserved and spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("budgets")


@dataclass(frozen=True, slots=True)
class Hold:
    """What a booking holds of a month's budgets until its end, and the member whose it is."""

    organisation_id: UUID
    department_id: UUID | None
    month: date
    amount_minor: int
    member_id: UUID | None


@dataclass(frozen=True, slots=True)
class Allocation:
    """No department: the whole organisation's. `services` empty: all."""

    id: UUID
    organisation_id: UUID
    department_id: UUID | None
    starts_on: date
    amount_minor: int
    services: list[str]
    allow_overspend: bool
    alert_threshold_pct: Decimal
    approval_above_minor: int | None


@dataclass(frozen=True, slots=True)
class Month:
    """No amount: nothing was allotted."""

    id: UUID
    organisation_id: UUID
    department_id: UUID | None
    month: date
    amount_minor: int | None
    allow_overspend: bool
    alert_threshold_pct: Decimal
    reserved_minor: int
    spent_minor: int
    alerted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody to write to, and whose budget it is about."""

    email: str
    name: str


allocate = sql.scalar("allocate", UUID)
apply = sql.run("apply")
in_force = sql.rows("in_force", Allocation)
for_others = sql.scalar("for_others", bool)
hold_allotments = sql.scalar("hold_allotments", UUID)
read_allotments = sql.scalar("read_allotments", UUID)
open_month = sql.run("open_month")
months = sql.rows("months", Month)
move = sql.rows("move", Month)
warned = sql.scalar("warned", UUID)
hold = sql.run("hold")
held = sql.row("held", Hold)
hold_in = sql.run("hold_in")
warn_whom = sql.rows("warn_whom", Whom)
