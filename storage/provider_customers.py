"""Rows of a provider's customers; their sums are kept by a trigger of its transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("provider_customers")


@dataclass(frozen=True, slots=True)
class Customer:
    """`spent_minor` is of settled credits in the provider's own currency."""

    id: UUID
    provider_id: UUID
    account_id: UUID
    name: str | None
    email: str | None
    phone: str | None
    location: str | None
    avatar_url: str | None
    source: str
    status: str
    has_app_account: bool
    metadata: dict[str, Any]
    spent_minor: int
    transactions: int
    last_at: datetime | None
    created_at: datetime
    updated_at: datetime


ensure = sql.row("ensure", Customer)
find = sql.row("find", Customer)
by_email = sql.row("by_email", Customer)
