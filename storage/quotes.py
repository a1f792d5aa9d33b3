"""Rows of quotes: what an organisation asked for, what the house offered, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("quotes")


@dataclass(frozen=True, slots=True)
class Quote:
    """`price_minor` is for one visit of the service, good to the end of `valid_until`."""

    id: UUID
    number: str
    organisation_id: UUID
    organisation_name: str
    department_id: UUID | None
    member_id: UUID | None
    service_type: str
    description: str
    requirements: dict[str, Any]
    budget: dict[str, Any] | None
    additional_info: str | None
    status: str
    account_manager_id: UUID | None
    service_id: UUID | None
    currency: str | None
    price_minor: int | None
    valid_until: date | None
    terms: str | None
    answered_at: datetime | None
    decided_at: datetime | None
    created_at: datetime


insert = sql.scalar("insert", UUID)
get = sql.row("get", Quote)
lock = sql.row("lock", Quote)
answer = sql.scalar("answer", UUID)
decide = sql.scalar("decide", UUID)

_SORTS = {
    "created": Sort("q.created_at", "timestamptz"), "valid_until": Sort("q.valid_until", "date", is_nullable=True),
}  # fmt: skip
_FILTERS = {
    "status": AnyOf("q.status", "text"), "service_type": AnyOf("q.service_type", "text"),
    "department": AnyOf("q.department_id", "uuid"),
}  # fmt: skip
of_organisation = Listed(
    sql, "of_organisation", Quote, key=Sort("q.id", "uuid"), sorts=_SORTS, default_sort=(("created", True),),
    filters=_FILTERS, indexed=[("created", ())],
)  # fmt: skip
every = Listed(
    sql, "every", Quote, key=Sort("q.id", "uuid"), sorts=_SORTS, default_sort=(("created", True),),
    filters={**_FILTERS, "organisation": AnyOf("q.organisation_id", "uuid")},
    indexed=[("created", ()), ("created", ("organisation",)), ("created", ("status",))],
)  # fmt: skip
