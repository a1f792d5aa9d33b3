"""Rows of promo codes and their uses, which are counted in the booking's own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

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


@dataclass(frozen=True, slots=True)
class PromoRow(Promo):
    """A promo code as staff keep it."""

    created_at: datetime
    updated_at: datetime


find = sql.row("find", Promo)
used_by = sql.scalar("used_by", int)
used_count = sql.scalar("used_count", int)
claim = sql.scalar("claim", int)
redeem = sql.run("redeem")
release = sql.scalar("release", str)
upsert = sql.scalar("upsert", UUID)
get = sql.row("get", PromoRow)
lock = sql.row("lock", PromoRow)
insert = sql.scalar("insert", UUID)

everything = Listed(
    sql, "everything", PromoRow,
    key=Sort("c.id", "uuid"),
    sorts={
        "created_at": Sort("c.created_at", "timestamptz"), "code": Sort("c.code", "text"),
        "used_count": Sort("c.used_count", "int"),
        "valid_until": Sort("c.valid_until", "timestamptz", is_nullable=True),
    },
    default_sort=(("created_at", True),),
    filters={
        "is_active": "c.is_active = {}::boolean", "discount_type": AnyOf("c.discount_type", "text"),
        "currency": AnyOf("c.currency", "text"),
        "is_current": "(c.is_active AND coalesce(c.valid_from <= app_now(), true) AND coalesce(c.valid_until >"
        " app_now(), true) AND coalesce(c.used_count < c.total_limit, true)) = {}::boolean",
    },
    search="array_to_tsvector(search_words(c.code) || search_words(c.description)) @@ {}",
)  # fmt: skip
