"""Rows of integration_payments: transfers of apps that are billed, and which of them were taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("integration_payments")


@dataclass(frozen=True, slots=True)
class IntegrationPayment:
    """One that was taken back (`reversed_at`) was a mistake, and does not count."""

    id: UUID
    integration_id: UUID
    currency: str
    amount_minor: int
    reference: str
    paid_on: date
    recorded_by: str
    created_at: datetime
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None


known = sql.scalar("known", UUID)
lock = sql.scalar("lock", UUID)
insert = sql.scalar("insert", UUID)
get = sql.row("get", IntegrationPayment)
reverse = sql.scalar("reverse", UUID)
settle = sql.run("settle")

of_integration = Listed(
    sql, "of_integration", IntegrationPayment, key=Sort("y.id", "uuid"),
    sorts={"created_at": Sort("y.created_at", "timestamptz")}, default_sort=(("created_at", True),),
    filters={"currency": AnyOf("y.currency", "text")}, indexed=[("created_at", ())],
)  # fmt: skip
