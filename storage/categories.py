"""Rows of the categories of services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import Listed, Sort

sql = Statements("categories")


@dataclass(frozen=True, slots=True)
class Category:
    """`services` is how many there are in it."""

    id: UUID
    name: str
    description: str | None
    image_url: str | None
    position: int
    is_active: bool
    created_at: datetime
    updated_at: datetime
    services: int


get = sql.row("get", Category)
lock = sql.row("lock", Category)
insert = sql.scalar("insert", UUID)
change = sql.run("change")
delete = sql.run("delete")
is_taken = sql.scalar("is_taken", bool)
spelled = sql.scalar("spelled", list[str])
is_used = sql.scalar("is_used", bool)

everything = Listed(
    sql, "everything", Category,
    key=Sort("c.id", "uuid"),
    sorts={
        "position": Sort("c.position", "int"), "name": Sort("c.name", "text"),
        "created_at": Sort("c.created_at", "timestamptz"),
    },
    default_sort=(("position", False), ("name", False)),
    filters={"is_active": "c.is_active = {}::boolean"},
    search="array_to_tsvector(search_words(c.name)) @@ {}",
)  # fmt: skip
