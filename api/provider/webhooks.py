"""A provider's own systems that are told of its affairs: webhooks, their secrets, tests, and the log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.audiences import TeamMember, provider
from api.shared.webhooks import (
    AttemptOut,
    Description,
    Event,
    Events,
    EventsOut,
    ReplayedOut,
    ReplayIn,
    Secret,
    SecretIn,
    State,
    Url,
    attempts_out,
    delivery_fields,
    endpoint_fields,
)
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, Page, Reply
from dispatch.services import Services
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.events import EVENTS
from dispatch.webhooks.owners import Owner
from storage.webhook_deliveries import Delivery
from storage.webhooks import Endpoint


class WebhookIn(CamelBody):
    """Without a secret one is made; one of your own has at least 16 bytes and is taken as it is."""

    url: Url
    events: Events
    secret: Secret | None = None
    description: Description | None = None
    is_active: bool = True


class WebhookChangeIn(CamelBody):
    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    is_active: bool | None = None


class WebhookOut(CamelView):
    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_active: bool
    disabled_reason: str | None
    last_success_at: datetime | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookMadeOut(WebhookOut):
    """With the secret, which is shown this once."""

    secret: str


class DeliveryOut(CamelView):
    id: UUID
    webhook_id: UUID
    url: str
    event: str
    booking_id: UUID | None
    state: State
    attempts: int
    last_status: int | None
    error: str | None
    event_at: datetime
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None


class DeliveryDetail(DeliveryOut):
    tries: list[AttemptOut]


WEBHOOKS = Grammar(
    key="webhooks", source=endpoints.LIST, filters={"isActive": Once(bool), "event": Event},
    names={"isActive": "is_active"},
)  # fmt: skip
DELIVERIES = Grammar(
    key="deliveries", source=deliveries.LOG,
    filters={"state": State, "event": Event, "webhookId": UUID, "bookingId": UUID, **DAYS},
    aliases={"status": "state"}, names={"event": "type", "webhookId": "endpoint_id", "bookingId": "booking_id"},
)  # fmt: skip
TAGS = ["webhooks"]


def _owner(caller: TeamMember) -> Owner:
    return Owner("provider", caller.provider_id)


@provider.route("GET", "/webhooks", permission="settings:read", listing=WEBHOOKS, tags=TAGS)
async def listed(services: Services, caller: TeamMember, listing: Listing) -> Page[WebhookOut]:
    """The provider's webhooks, the newest first."""
    async with services.read() as conn:
        return Page.of(await endpoints.page(conn, _owner(caller), listing.wanted), _webhook_out)


@provider.route("GET", "/webhooks/events", permission="settings:read", tags=TAGS)
async def events(caller: TeamMember) -> EventsOut:
    """Every event that a webhook may ask for."""
    return EventsOut(events=list(EVENTS["provider"]))


@provider.route("POST", "/webhooks", permission="settings:write", status=201, tags=TAGS)
async def create(services: Services, caller: TeamMember, body: WebhookIn) -> Reply[WebhookMadeOut]:
    """A webhook, signed by the Standard Webhooks specification. The secret is shown this once.

    Example: {"url": "https://clinic.example.com/hooks", "events": ["transaction.created", "payout.updated"]}
    """
    async with services.transaction() as tx:
        made = await endpoints.create(tx, _owner(caller), caller.actor, **body.model_dump(by_alias=False))
    shown = WebhookMadeOut(**endpoint_fields(made.endpoint), secret=made.secret)
    return Reply(shown, message="Keep the secret: it is not shown again.")


@provider.route("GET", "/webhooks/deliveries", permission="settings:read", listing=DELIVERIES, tags=TAGS)
async def log(services: Services, caller: TeamMember, listing: Listing) -> Page[DeliveryOut]:
    """What was sent and what waits, the newest first."""
    async with services.read() as conn:
        found = await deliveries.page(conn, _owner(caller), listing.wanted, caller.provider.timezone)
    return Page.of(found, _delivery_out)


@provider.route("GET", "/webhooks/deliveries/{delivery_id}", permission="settings:read", tags=TAGS)
async def delivery(services: Services, caller: TeamMember, delivery_id: UUID) -> DeliveryDetail:
    """One delivery with every try of it."""
    async with services.read() as conn:
        found = await deliveries.get(conn, _owner(caller), delivery_id)
        tries = await deliveries.attempts(conn, _owner(caller), delivery_id)
    return DeliveryDetail(**delivery_fields(found), tries=attempts_out(tries))


@provider.route("POST", "/webhooks/deliveries/replay", permission="settings:write", tags=TAGS)
async def replay_range(services: Services, caller: TeamMember, body: ReplayIn) -> ReplayedOut:
    """Send again what was made in a span of time, in its order.

    Example: {"since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}
    """
    async with services.transaction() as tx:
        count = await deliveries.replay_range(
            tx, _owner(caller), since=body.since, until=body.until, endpoint_id=body.webhook_id, states=body.states
        )
    return ReplayedOut(replayed=count)


@provider.route("POST", "/webhooks/deliveries/{delivery_id}/replay", permission="settings:write", tags=TAGS)
async def replay(services: Services, caller: TeamMember, delivery_id: UUID) -> DeliveryOut:
    """Send one again, under the same webhook-id."""
    async with services.transaction() as tx:
        return _delivery_out(await deliveries.replay(tx, _owner(caller), delivery_id))


@provider.route("GET", "/webhooks/{webhook_id}", permission="settings:read", tags=TAGS)
async def one(services: Services, caller: TeamMember, webhook_id: UUID) -> WebhookOut:
    """One webhook, and how it fares."""
    async with services.read() as conn:
        return _webhook_out(await endpoints.get(conn, _owner(caller), webhook_id))


@provider.route("PATCH", "/webhooks/{webhook_id}", permission="settings:write", tags=TAGS)
async def change(services: Services, caller: TeamMember, webhook_id: UUID, body: WebhookChangeIn) -> WebhookOut:
    """Change where it leads or what it is told, switch it off, or on again.

    Example: {"isActive": true}
    """
    async with services.transaction() as tx:
        changed = await endpoints.change(
            tx, _owner(caller), webhook_id, caller.actor, **body.model_dump(by_alias=False)
        )
    return _webhook_out(changed)


@provider.route("DELETE", "/webhooks/{webhook_id}", permission="settings:write", tags=TAGS)
async def delete(services: Services, caller: TeamMember, webhook_id: UUID) -> Message:
    """Nothing more is sent to it; its log goes too."""
    async with services.transaction() as tx:
        await endpoints.delete(tx, _owner(caller), webhook_id, caller.actor)
    return Message("The webhook is gone.")


@provider.route("POST", "/webhooks/{webhook_id}/rotate-secret", permission="settings:write", tags=TAGS)
async def rotate(
    services: Services, caller: TeamMember, webhook_id: UUID, body: SecretIn | None = None
) -> Reply[WebhookMadeOut]:
    """A new secret; for a day every message carries a signature of the old one too."""
    async with services.transaction() as tx:
        made = await endpoints.rotate(tx, _owner(caller), webhook_id, caller.actor, body.secret if body else None)
    shown = WebhookMadeOut(**endpoint_fields(made.endpoint), secret=made.secret)
    return Reply(shown, message="Keep the secret: it is not shown again.")


@provider.route("POST", "/webhooks/{webhook_id}/test", permission="settings:write", status=202, tags=TAGS)
async def test(services: Services, caller: TeamMember, webhook_id: UUID) -> DeliveryOut:
    """Send a signed `ping` now, once; the log says how it went."""
    async with services.transaction() as tx:
        return _delivery_out(await endpoints.test(tx, _owner(caller), webhook_id, caller.actor))


def _webhook_out(row: Endpoint) -> WebhookOut:
    return WebhookOut(**endpoint_fields(row))


def _delivery_out(row: Delivery) -> DeliveryOut:
    return DeliveryOut(**delivery_fields(row))
