"""Telling customers something, and what was told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.views import Metadata
from api.provider.when import SPAN, SPAN_NAMES, spanned
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView
from api.wire.results import Page, Reply
from dispatch.parties import provider_notifications
from dispatch.services import Services
from storage.provider_notifications import Notification


def _kind(value: Any) -> Any:
    # What real front ends call the general kind.
    return "general" if value == "provider" else value


Kind = Annotated[Literal["general", "reminder", "promotion"], BeforeValidator(_kind)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class SendIn(CamelBody):
    recipients: Literal["all"] | Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    title: Title
    message: Text
    link: Address | None = None
    type: Kind = "general"
    metadata: Annotated[Metadata, Field(max_length=50)] | None = None


class SentOut(CamelView):
    notification_id: UUID
    recipient_count: int
    sent_count: int
    failed_count: int
    status: str
    created_at: datetime


class NotificationOut(CamelView):
    id: UUID = Field(alias="_id")
    title: str
    message: str
    type: str
    link: str | None
    recipient_count: int
    sent_count: int
    failed_count: int
    status: str
    created_at: datetime


LIST = Grammar(
    key="notifications", source=provider_notifications.LIST, filters={"type": Kind, **SPAN}, names=SPAN_NAMES,
)  # fmt: skip


@provider.route(
    "POST", "/notifications/send", permission="notifications:write", idempotency="optional", tags=["notifications"]
)
async def send(services: Services, caller: TeamMember, body: SendIn) -> Reply[SentOut]:
    """Tell some customers, or all who are active: in the app, by push and by e-mail.

    Example: {"recipients": "all", "title": "Closed on Friday", "message": "We are back on Monday.", "type": "general"}
    """
    to = None if body.recipients == "all" else list(body.recipients)
    async with services.transaction() as tx:
        made = await provider_notifications.send(
            tx, caller.provider_id, to, type=body.type, title=body.title, message=body.message, link=body.link,
            metadata=body.metadata,
        )  # fmt: skip
    shown = SentOut(
        notification_id=made.id, recipient_count=made.recipients, sent_count=made.sent, failed_count=made.failed,
        status=provider_notifications.status_of(made), created_at=made.created_at,
    )  # fmt: skip
    return Reply(shown, message="Notification sent successfully")


@provider.route("GET", "/notifications/history", permission="notifications:read", listing=LIST, tags=["notifications"])
async def history(services: Services, caller: TeamMember, listing: Listing) -> Page[NotificationOut]:
    """What was sent, newest first."""
    async with services.read() as conn:
        found = await provider_notifications.page(conn, caller.provider_id, spanned(listing, caller.provider))
    return Page.of(found, _out)


def _out(one: Notification) -> NotificationOut:
    return NotificationOut(
        id=one.id, title=one.title, message=one.message, type=one.type, link=one.link, recipient_count=one.recipients,
        sent_count=one.sent, failed_count=one.failed, status=provider_notifications.status_of(one),
        created_at=one.created_at,
    )  # fmt: skip
