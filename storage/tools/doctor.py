"""What `dispatch doctor` counts."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("doctor")


@dataclass(frozen=True, slots=True)
class Counts:
    """`overdue` bookings were due over a minute ago, which a running server does not let happen."""

    zones: int
    technicians: int
    overdue: int


counts = sql.row("counts", Counts)
