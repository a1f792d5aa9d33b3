"""Rows of settlements: what staff settled with one person by hand, and which of it was a mistake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("settlements")


@dataclass(frozen=True, slots=True)
class Settlement:
    """One that was taken back (`reversed_at`) was a mistake, and does not count."""

    id: UUID
    kind: str
    owner_id: UUID
    currency: str
    amount_minor: int
    reference: str | None
    reason: str | None
    recorded_by: str
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None


insert = sql.scalar("insert", UUID)
get = sql.row("get", Settlement)
newest = sql.rows("newest", Settlement)
reverse = sql.scalar("reverse", UUID)
owner_known = sql.scalar("owner_known", bool)
