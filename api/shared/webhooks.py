"""What all who have webhooks say and read alike: types of fields, and what there is to show of a row."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.wire.models import CamelBody, CamelView, Moment
from storage.webhook_deliveries import Attempt, Delivery
from storage.webhooks import Endpoint

Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Event = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Events = Annotated[list[Event], Field(min_length=1, max_length=100)]
#: Sixteen bytes or more are taken as they are; where there is none one is made.
Secret = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
State = Literal["pending", "delivered", "failed"]
#: Which deliveries of a span are sent again.
Replayed = Annotated[list[Literal["failed", "delivered"]], Field(min_length=1, max_length=2)]


class SecretIn(CamelBody):
    secret: Secret | None = None


class ReplayIn(CamelBody):
    """Everything that was made from `since` on and before `until`; by default what failed."""

    since: Moment
    until: Moment
    webhook_id: UUID | None = None
    states: Replayed = ["failed"]


class ReplayedOut(CamelView):
    replayed: int


class EventsOut(CamelView):
    events: list[str]


class AttemptOut(CamelView):
    """`reply` is the beginning of what was answered."""

    attempt: int
    at: datetime
    status: int | None
    error: str | None
    duration_ms: int
    reply: str | None


def attempts_out(tries: list[Attempt]) -> list[AttemptOut]:
    return [AttemptOut(**asdict(one)) for one in tries]


def endpoint_fields(row: Endpoint) -> dict[str, Any]:
    """All that may be shown; a view takes what it has."""
    return {**asdict(row), "previous_secret_until": row.previous_until}


def delivery_fields(row: Delivery) -> dict[str, Any]:
    """All that may be shown; a view takes what it has."""
    return {**asdict(row), "webhook_id": row.endpoint_id, "event": row.type, "status": row.state}
