"""What anybody may read of a published program: sums, and nobody's rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from storage.database.binder import Statements

sql = Statements("program_reports")


@dataclass(frozen=True, slots=True)
class Head:
    """`budget_minor` None: the program has none of its own. `planned` are visits that are still to become bookings."""

    organisation: str
    name: str
    description: str | None
    kind: str
    status: str
    starts_on: date
    ends_on: date
    currency: str
    budget_minor: int | None
    committed_minor: int
    spent_minor: int
    planned: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """`open` are bookings that are neither done nor cancelled."""

    service: str
    completed: int
    open: int
    spent_minor: int
    satisfaction: float | None


@dataclass(frozen=True, slots=True)
class Reach:
    """A barangay or district: how many of its people the program is for, and how many have used it."""

    segment: str
    constituents: int
    served: int


publish = sql.run("publish")
head = sql.row("head", Head)
work = sql.rows("work", Work)
reach = sql.rows("reach", Reach)
