"""Rows of provider_plans: what customers of a provider can subscribe to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("provider_plans")


@dataclass(frozen=True, slots=True)
class Plan:
    id: UUID
    name: str
    type: str
    amount_minor: int
    currency: str
    duration_days: int
    features: list[str]
    is_active: bool
    created_at: datetime
    updated_at: datetime


of_provider = sql.rows("of_provider", Plan)
get = sql.row("get", Plan)
by_name = sql.row("by_name", Plan)
insert = sql.row("insert", Plan)
change = sql.row("change", Plan)
remove = sql.run("remove")
