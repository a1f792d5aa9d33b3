"""Rows of promo codes and their uses, which are counted in the booking's own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("promos")


@dataclass(frozen=True, slots=True)
class Promo:
    id: UUID
    code: str
    description: str | None
    discount_type: str
    discount_percent: Decimal | None
    discount_minor: int | None
    currency: str
    min_order_minor: int | None
    max_discount_minor: int | None
    per_user_limit: int | None
    total_limit: int | None
    used_count: int
    valid_from: datetime | None
    valid_until: datetime | None
    is_active: bool


find = sql.row("find", Promo)
used_by = sql.scalar("used_by", int)
used_count = sql.scalar("used_count", int)
claim = sql.scalar("claim", int)
redeem = sql.run("redeem")
release = sql.scalar("release", str)
upsert = sql.scalar("upsert", UUID)
