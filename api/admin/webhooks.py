"""Endpoints of the operator's own systems, as staff look after them: events, secrets, tests, the log, replays."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from api.audiences import Admin, admin
from api.shared.webhooks import (
    Description,
    Event,
    Events,
    Replayed,
    Secret,
    State,
    Url,
    delivery_fields,
    endpoint_fields,
)
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import Body, Moment, View
from api.wire.results import Message, Page, Reply
from dispatch.engine import audit
from dispatch.services import Services
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.endpoints import Made
from dispatch.webhooks.events import EVENTS
from dispatch.webhooks.owners import PLATFORM
from storage.webhook_deliveries import Delivery
from storage.webhooks import Endpoint


class WebhookIn(Body):
    """Without a `secret` one is generated; one of your own has at least 16 bytes."""

    url: Url
    events: Events
    secret: Secret | None = None
    description: Description | None = None
    is_active: bool = True


class WebhookChangeIn(Body):
    """What is named is changed. An empty description takes it away."""

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    is_active: bool | None = None


class SecretIn(Body):
    secret: Secret | None = None


class ReplayIn(Body):
    """Everything that was made from `since` on and before `until`; by default what failed."""

    since: Moment
    until: Moment
    webhook_id: UUID | None = None
    states: Replayed = ["failed"]


class WebhookOut(View):
    """`disabled_reason`: owner (staff did), gone (it answered 410), failing (five days without a success)."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_active: bool
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookMadeOut(WebhookOut):
    """With the secret, which is shown this once."""

    secret: str


class EventsOut(View):
    events: list[str]


class DeliveryOut(View):
    """One event for one webhook. `status` and `error` of the last try; the log has every one."""

    id: UUID
    webhook_id: UUID
    url: str
    event: str
    booking_id: UUID | None
    seq: int | None
    state: State
    attempts: int
    last_status: int | None
    error: str | None
    event_at: datetime
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None


class AttemptOut(View):
    attempt: int
    at: datetime
    status: int | None
    error: str | None
    duration_ms: int
    reply: str | None


class DeliveryLogOut(DeliveryOut):
    log: list[AttemptOut]


class ReplayedOut(View):
    replayed: int


WEBHOOKS = Grammar(key="webhooks", source=endpoints.LIST, filters={"is_active": Once(bool), "event": Event})
DELIVERIES = Grammar(
    key="deliveries", source=deliveries.LOG,
    filters={"state": State, "event": Event, "webhook_id": UUID, "booking_id": UUID, **DAYS},
    aliases={"status": "state"}, names={"event": "type", "webhook_id": "endpoint_id"},
)  # fmt: skip


@admin.route("GET", "/webhooks", permission="settings:read", listing=WEBHOOKS, tags=["webhooks"])
async def listed(services: Services, caller: Admin, listing: Listing) -> Page[WebhookOut]:
    """Where our own systems are told of events, the newest first."""
    async with services.read() as conn:
        return Page.of(await endpoints.page(conn, PLATFORM, listing.wanted), webhook_out)


@admin.route("GET", "/webhooks/events", permission="settings:read", tags=["webhooks"])
async def events(services: Services, caller: Admin) -> EventsOut:
    """Every event that a webhook may ask for."""
    return EventsOut(events=list(EVENTS["platform"]))


@admin.route("POST", "/webhooks", status=201, permission="settings:write", tags=["webhooks"])
async def create(services: Services, caller: Admin, body: WebhookIn) -> Reply[WebhookMadeOut]:
    """A webhook for a system of ours, signed by the Standard Webhooks specification. The secret is shown this once.

    Example: {"url": "https://erp.example.com/hooks", "events": ["booking.created", "booking.completed"]}
    """
    async with services.transaction() as tx:
        made = await endpoints.create(tx, PLATFORM, caller.actor, **body.model_dump())
    return Reply(made_out(made), message="Keep the secret: it is not shown again.")


@admin.route("GET", "/webhooks/{webhook_id}", permission="settings:read", tags=["webhooks"])
async def one(services: Services, caller: Admin, webhook_id: UUID) -> WebhookOut:
    """One webhook, and how it fares."""
    async with services.read() as conn:
        return webhook_out(await endpoints.get(conn, PLATFORM, webhook_id))


@admin.route("PATCH", "/webhooks/{webhook_id}", permission="settings:write", tags=["webhooks"])
async def change(services: Services, caller: Admin, webhook_id: UUID, body: WebhookChangeIn) -> WebhookOut:
    """Change where it leads or what it is told, switch it off, or on again.

    Example: {"is_active": true}
    """
    async with services.transaction() as tx:
        return webhook_out(await endpoints.change(tx, PLATFORM, webhook_id, caller.actor, **body.model_dump()))


@admin.route("DELETE", "/webhooks/{webhook_id}", permission="settings:write", tags=["webhooks"])
async def delete(services: Services, caller: Admin, webhook_id: UUID) -> Message:
    """Nothing more is sent to it; its log goes too."""
    async with services.transaction() as tx:
        await endpoints.delete(tx, PLATFORM, webhook_id, caller.actor)
    return Message("The webhook is gone.")


@admin.route("POST", "/webhooks/{webhook_id}/rotate-secret", permission="settings:write", tags=["webhooks"])
async def rotate(
    services: Services,
    caller: Admin,
    webhook_id: UUID,
    body: SecretIn = SecretIn(),  # noqa: B008
) -> Reply[WebhookMadeOut]:
    """A new secret; for a day every message carries a signature of the old one too."""
    async with services.transaction() as tx:
        made = await endpoints.rotate(tx, PLATFORM, webhook_id, caller.actor, body.secret)
    return Reply(made_out(made), message="Keep the secret: it is not shown again.")


@admin.route("POST", "/webhooks/{webhook_id}/test", status=202, permission="settings:write", tags=["webhooks"])
async def test(services: Services, caller: Admin, webhook_id: UUID) -> DeliveryOut:
    """Send a signed `ping` now, once; the delivery says how it went."""
    async with services.transaction() as tx:
        return delivery_out(await endpoints.test(tx, PLATFORM, webhook_id, caller.actor))


@admin.route("GET", "/webhooks/deliveries", permission="settings:read", listing=DELIVERIES, tags=["webhooks"])
async def log(services: Services, caller: Admin, listing: Listing) -> Page[DeliveryOut]:
    """What was sent and what waits, the newest first."""
    async with services.read() as conn:
        found = await deliveries.page(conn, PLATFORM, listing.wanted, services.settings.timezone)
    return Page.of(found, delivery_out)


@admin.route("GET", "/webhooks/deliveries/{delivery_id}", permission="settings:read", tags=["webhooks"])
async def delivery(services: Services, caller: Admin, delivery_id: UUID) -> DeliveryLogOut:
    """One delivery with every try of it."""
    async with services.read() as conn:
        found = await deliveries.get(conn, PLATFORM, delivery_id)
        tries = await deliveries.attempts(conn, PLATFORM, delivery_id)
    return DeliveryLogOut(**delivery_fields(found), log=[AttemptOut(**asdict(one)) for one in tries])


@admin.route(
    "POST", "/webhooks/deliveries/{delivery_id}/replay", status=202, permission="settings:write", tags=["webhooks"]
)
async def replay(services: Services, caller: Admin, delivery_id: UUID) -> DeliveryOut:
    """Send one again, under the same webhook-id."""
    async with services.transaction() as tx:
        await audit.record(tx, caller.actor, "replay_webhook", "webhook_delivery", delivery_id)
        return delivery_out(await deliveries.replay(tx, PLATFORM, delivery_id))


@admin.route("POST", "/webhooks/deliveries/replay", status=202, permission="settings:write", tags=["webhooks"])
async def replay_range(services: Services, caller: Admin, body: ReplayIn) -> ReplayedOut:
    """Send everything of a span again, in its order, at most 10,000 at once.

    Example: {"since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}
    """
    async with services.transaction() as tx:
        asked = {"since": body.since.isoformat(), "until": body.until.isoformat(), "states": body.states}
        await audit.record(tx, caller.actor, "replay_webhooks", "webhook", body.webhook_id, asked)
        count = await deliveries.replay_range(
            tx, PLATFORM, since=body.since, until=body.until, endpoint_id=body.webhook_id, states=body.states
        )
    return ReplayedOut(replayed=count)


def webhook_out(row: Endpoint) -> WebhookOut:
    return WebhookOut(**endpoint_fields(row))


def made_out(made: Made) -> WebhookMadeOut:
    return WebhookMadeOut(**endpoint_fields(made.endpoint), secret=made.secret)


def delivery_out(row: Delivery) -> DeliveryOut:
    return DeliveryOut(**delivery_fields(row))
