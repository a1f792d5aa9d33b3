"""Rows of services as staff keep them: active or not, with their prices in every currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("services")


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """`prices` are {currency, price_minor, list_price_minor}."""

    id: UUID
    name: str
    description: str | None
    category: str
    service_type: str
    tier: str
    duration_minutes: int
    image_url: str | None
    image_file_id: UUID | None
    is_active: bool
    created_at: datetime
    updated_at: datetime
    prices: list[dict[str, Any]]


get = sql.row("get", ServiceFile)
lock = sql.row("lock", ServiceFile)
lock_name = sql.scalar("lock_name", str)
twin = sql.scalar("twin", UUID)
set_image = sql.run("set_image")
drop_price = sql.run("drop_price")
in_currency = sql.rows("in_currency", ServiceFile)

everything = Listed(
    sql, "everything", ServiceFile,
    key=Sort("s.id", "uuid"),
    sorts={
        "category": Sort("s.category", "text"), "name": Sort("s.name", "text"),
        "created_at": Sort("s.created_at", "timestamptz"), "updated_at": Sort("s.updated_at", "timestamptz"),
        "duration_minutes": Sort("s.duration_minutes", "int"),
    },
    default_sort=(("category", False), ("name", False)),
    filters={
        "category": AnyOf("s.category", "text"), "tier": AnyOf("s.tier", "text"),
        "service_type": AnyOf("s.service_type", "text"), "is_active": "s.is_active = {}::boolean",
        "currency": "EXISTS (SELECT FROM service_prices p WHERE p.service_id = s.id AND p.currency = ANY({}::text[]))",
    },
    search="array_to_tsvector(search_words(s.name) || search_words(s.category) || search_words(s.service_type)) @@ {}",
)  # fmt: skip
