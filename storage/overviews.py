"""What an organisation's bookings add up to, for its overview."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("overviews")


@dataclass(frozen=True, slots=True)
class Bookings:
    total: int
    this_month: int
    pending: int
    completed_this_month: int
    upcoming: int
    spent_minor: int
    month_minor: int
    rating: float | None


bookings = sql.row("bookings", Bookings)
