"""Rows of gateway_events: what the gateway told us, verified, stored before it was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("gateway_events")


@dataclass(frozen=True, slots=True)
class DueEvent:
    id: UUID
    event_id: str | None
    event_type: str
    order_id: str | None
    payment_id: str | None
    payload: dict[str, Any]
    retry_count: int
    sent_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An event that nobody could make sense of."""

    id: UUID
    event_type: str
    payment_id: str | None
    error: str | None


store = sql.scalar("store", UUID)
claim_due = sql.row("claim_due", DueEvent)
lease = sql.run("lease")
processed = sql.run("processed")
retry = sql.run("retry")
hurry = sql.run("hurry")
review = sql.run("review")
in_review = sql.rows("in_review", Reviewed)
try_again = sql.run("try_again")
try_one_again = sql.run("try_one_again")
