"""A message in somebody's app, as technicians and customers read it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.shared.objects import FactData
from api.wire.models import View
from storage.notifications import Notification


class NotificationOut(View):
    id: UUID
    booking_id: UUID | None
    type: str
    title: str
    message: str
    is_read: bool
    metadata: FactData
    created_at: datetime


def notification_out(row: Notification) -> NotificationOut:
    """The row as it goes out."""
    return NotificationOut(
        id=row.id, booking_id=row.booking_id, type=row.type, title=row.title, message=row.message,
        is_read=row.is_read, metadata=row.metadata, created_at=row.created_at,
    )  # fmt: skip
