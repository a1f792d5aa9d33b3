"""What a partner is told as it happens: its subscriptions, their secrets, and the log of what was delivered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.audiences import Member
from api.integration import callers
from api.shared.webhooks import (
    AttemptOut,
    Description,
    Events,
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
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, Page, Reply
from dispatch.services import Services
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.endpoints import Made
from dispatch.webhooks.owners import Owner
from storage.webhook_deliveries import Delivery
from storage.webhooks import Endpoint

TAGS = ("webhooks",)
READ, WRITE = "webhooks:read", "webhooks:write"


class WebhookIn(CamelBody):
    """Without a secret one is made; one of your own has at least 16 bytes and is taken as it is."""

    url: Url
    events: Events
    is_active: bool = True
    secret: Secret | None = None
    description: Description | None = None


class WebhookChange(CamelBody):
    url: Url | None = None
    events: Events | None = None
    is_active: bool | None = None
    description: Description | None = None


class WebhookOut(CamelView):
    """`disabledReason`: owner, gone (it answered 410), failing (five days without a success)."""

    id: UUID
    url: str
    events: list[str]
    is_active: bool
    description: str | None
    disabled_reason: str | None
    failing_since: datetime | None
    last_success_at: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookMadeOut(WebhookOut):
    """The secret is shown this once."""

    secret: str


class DeliveryOut(CamelView):
    id: UUID
    webhook_id: UUID
    url: str
    event: str
    booking_id: UUID | None
    status: str
    attempts: int
    last_status: int | None
    error: str | None
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None


class DeliveryDetail(DeliveryOut):
    tries: list[AttemptOut]


HOOKS = Grammar(key="webhooks", source=endpoints.LIST, sorts={"createdAt": "created_at", "url": "url"})
LOG = Grammar(
    key="deliveries", source=deliveries.LOG, sorts={"createdAt": "created_at"},
    filters={"status": State, "event": str, "webhookId": UUID, "bookingId": UUID, **DAYS},
    names={"status": "state", "event": "type", "webhookId": "endpoint_id", "bookingId": "booking_id"},
)  # fmt: skip


@callers.route("GET", "/{id}/webhooks", READ, listing=HOOKS, tags=TAGS)
async def page(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[WebhookOut]:
    """The partner's subscriptions, the newest first."""
    async with services.read() as conn:
        return Page.of(await endpoints.page(conn, _owner(id), listing.wanted), _out)


@callers.route("POST", "/{id}/webhooks", WRITE, status=201, tags=TAGS)
async def create(services: Services, caller: Member, id: UUID, body: WebhookIn) -> Reply[WebhookMadeOut]:
    """Subscribes to events; deliveries are signed (Standard Webhooks) with the secret, shown this once.

    Example: {"url": "https://acme.example/hooks", "events": ["booking.confirmed", "booking.completed"]}
    """
    async with services.transaction() as tx:
        made = await endpoints.create(
            tx, _owner(id), caller.actor, url=body.url, events=body.events, secret=body.secret,
            description=body.description, is_active=body.is_active,
        )  # fmt: skip
    return Reply(_made(made), "Keep the secret: it is shown this once.")


@callers.route("PUT", "/{id}/webhooks/{webhook_id}", WRITE, tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, webhook_id: UUID, body: WebhookChange) -> WebhookOut:
    """Changes what is sent; switched on again, it starts afresh.

    Example: {"isActive": false}
    """
    async with services.transaction() as tx:
        changed = await endpoints.change(
            tx, _owner(id), webhook_id, caller.actor, url=body.url, events=body.events, description=body.description,
            is_active=body.is_active,
        )  # fmt: skip
    return _out(changed)


@callers.route("DELETE", "/{id}/webhooks/{webhook_id}", WRITE, tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID, webhook_id: UUID) -> Message:
    """Nothing more is sent there."""
    async with services.transaction() as tx:
        await endpoints.delete(tx, _owner(id), webhook_id, caller.actor)
    return Message("The webhook was deleted.")


@callers.route("POST", "/{id}/webhooks/{webhook_id}/regenerate-secret", WRITE, tags=TAGS)
async def regenerate_secret(
    services: Services, caller: Member, id: UUID, webhook_id: UUID, body: SecretIn | None = None
) -> Reply[WebhookMadeOut]:
    """A new secret, shown this once; for 24 hours the old one signs too."""
    async with services.transaction() as tx:
        made = await endpoints.rotate(tx, _owner(id), webhook_id, caller.actor, body.secret if body else None)
    return Reply(_made(made), "Keep the secret: it is shown this once.")


@callers.route("POST", "/{id}/webhooks/{webhook_id}/test", WRITE, tags=TAGS)
async def test(services: Services, caller: Member, id: UUID, webhook_id: UUID) -> DeliveryOut:
    """Sends a signed `ping`, once; the log says how it went."""
    async with services.transaction() as tx:
        return _delivery(await endpoints.test(tx, _owner(id), webhook_id, caller.actor))


@callers.route("GET", "/{id}/webhooks/deliveries", READ, listing=LOG, tags=TAGS)
async def log(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[DeliveryOut]:
    """What was delivered or is to be, the newest first."""
    async with services.read() as conn:
        found = await deliveries.page(conn, _owner(id), listing.wanted, services.settings.timezone)
    return Page.of(found, _delivery)


@callers.route("GET", "/{id}/webhooks/deliveries/{delivery_id}", READ, tags=TAGS)
async def delivery(services: Services, caller: Member, id: UUID, delivery_id: UUID) -> DeliveryDetail:
    """One delivery with every try of it."""
    async with services.read() as conn:
        found = await deliveries.get(conn, _owner(id), delivery_id)
        tries = await deliveries.attempts(conn, _owner(id), delivery_id)
    return DeliveryDetail(**delivery_fields(found), tries=attempts_out(tries))


@callers.route("POST", "/{id}/webhooks/deliveries/{delivery_id}/replay", WRITE, tags=TAGS)
async def replay(services: Services, caller: Member, id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Sends a delivery once more, under the same webhook-id."""
    async with services.transaction() as tx:
        return _delivery(await deliveries.replay(tx, _owner(id), delivery_id))


@callers.route("POST", "/{id}/webhooks/deliveries/replay", WRITE, tags=TAGS)
async def replay_range(services: Services, caller: Member, id: UUID, body: ReplayIn) -> ReplayedOut:
    """Sends again what was made in a span of time, in its order.

    Example: {"since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}
    """
    async with services.transaction() as tx:
        count = await deliveries.replay_range(
            tx, _owner(id), since=body.since, until=body.until, endpoint_id=body.webhook_id, states=body.states
        )
    return ReplayedOut(replayed=count)


def _owner(id: UUID) -> Owner:
    return Owner("integration", id)


def _out(row: Endpoint) -> WebhookOut:
    return WebhookOut(**endpoint_fields(row))


def _made(made: Made) -> WebhookMadeOut:
    return WebhookMadeOut(**endpoint_fields(made.endpoint), secret=made.secret)


def _delivery(row: Delivery) -> DeliveryOut:
    return DeliveryOut(**delivery_fields(row))
