"""Figures of what came of an integration's calls."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("integration_analytics")


@dataclass(frozen=True, slots=True)
class Figures:
    jobs_posted: int
    bookings: int
    completed: int
    cancelled: int
    active_users: int
    average_rating: float | None


@dataclass(frozen=True, slots=True)
class Revenue:
    currency: str
    minor: int


figures = sql.row("figures", Figures)
revenue = sql.rows("revenue", Revenue)
