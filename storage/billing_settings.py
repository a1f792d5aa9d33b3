"""Rows of billing_settings: how an organisation is billed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("billing_settings")


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """`is_chosen`: somebody has set them; else they are what holds until then."""

    organisation_id: UUID
    billing_cycle: str
    billing_day: int
    payment_terms: str
    terms_days: int
    primary_method: str
    backup_method: str | None
    invoice_format: str
    group_by: str
    recipients: list[str]
    auto_payment: bool
    auto_payment_method: str | None
    is_chosen: bool


put = sql.run("put")
get = sql.row("get", BillingSettings)
