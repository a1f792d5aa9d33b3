"""Rows of provider_applications: who wants to become a provider, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("provider_applications")


@dataclass(frozen=True, slots=True)
class Application:
    """`address` is {address, city, country, postal_code}."""

    id: UUID
    status: str
    name: str
    facility_type: str
    owner_name: str
    email: str
    phone: str
    address: dict[str, Any]
    services: list[str]
    description: str
    currency: str
    timezone: str
    reason: str | None
    provider_id: UUID | None
    decided_at: datetime | None
    created_at: datetime


insert = sql.row("insert", Application)
open_of = sql.row("open_of", Application)
get = sql.row("get", Application)
lock = sql.row("lock", Application)
approve = sql.run("approve")
reject = sql.run("reject")
remove = sql.run("remove")

every = Listed(
    sql, "every", Application,
    key=Sort("a.id", "uuid"),
    sorts={
        "date": Sort("a.created_at", "timestamptz"), "name": Sort("a.name", "text"),
        "status": Sort("a.status", "text"),
    },
    default_sort=(("date", True),),
    filters={"status": AnyOf("a.status", "text")},
    search="a.id = ANY(ARRAY(SELECT n.id FROM provider_applications n"
    " WHERE words_in(search_words(n.name) || search_words(n.owner_name) || search_words(n.email)) @@ {}))",
    indexed=[("date", ())],
)  # fmt: skip
