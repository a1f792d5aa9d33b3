"""Rows of platform_plans: what providers pay the platform for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("platform_plans")


@dataclass(frozen=True, slots=True)
class PlatformPlan:
    id: UUID
    name: str
    currency: str
    monthly_minor: int
    yearly_minor: int
    features: list[str]
    is_active: bool
    created_at: datetime
    updated_at: datetime


all = sql.rows("all", PlatformPlan)
offered = sql.rows("offered", PlatformPlan)
get = sql.row("get", PlatformPlan)
by_name = sql.row("by_name", PlatformPlan)
insert = sql.row("insert", PlatformPlan)
change = sql.row("change", PlatformPlan)
remove = sql.run("remove")
