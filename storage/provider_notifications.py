"""Rows of provider_notifications: what a provider sent to its customers, and how many it reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("provider_notifications")


@dataclass(frozen=True, slots=True)
class Notification:
    id: UUID
    type: str
    title: str
    message: str
    link: str | None
    metadata: dict[str, Any]
    recipients: int
    sent: int
    failed: int
    created_at: datetime


insert = sql.row("insert", Notification)

of_provider = Listed(
    sql, "of_provider", Notification,
    key=Sort("n.id", "uuid"), sorts={"date": Sort("n.created_at", "timestamptz")}, default_sort=(("date", True),),
    filters={
        "type": AnyOf("n.type", "text"),
        "from_at": "n.created_at >= {}::timestamptz", "to_at": "n.created_at < {}::timestamptz",
    },
    indexed=[("date", ()), ("date", ("from_at", "to_at"))],
)  # fmt: skip
