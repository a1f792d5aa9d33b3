"""Rows of services and their prices: what can be booked, for how much, in which currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("catalogue")


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service with its price in one currency."""

    id: UUID
    name: str
    description: str | None
    category: str
    service_type: str
    tier: str
    duration_minutes: int
    image_url: str | None
    updated_at: datetime
    currency: str
    price_minor: int
    list_price_minor: int | None


offered = sql.rows("offered", ServiceRow)
last_change = sql.scalar("last_change", datetime)
insert = sql.scalar("insert", UUID)
put_price = sql.run("put_price")
retire = sql.run("retire")
