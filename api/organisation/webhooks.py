"""Webhooks: what our systems are told as it happens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import whole_organisation
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
from dispatch.parties import organisations, tiers
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.events import EVENTS
from dispatch.webhooks.owners import Owner
from storage.webhook_deliveries import Delivery
from storage.webhooks import Endpoint

HOOKS = Grammar(
    key="webhooks", source=endpoints.LIST, filters={"isActive": Once(bool), "event": Event},
    names={"isActive": "is_active"}, sorts={"createdAt": "created_at", "url": "url"},
)  # fmt: skip
LOG = Grammar(
    key="deliveries", source=deliveries.LOG, sorts={"createdAt": "created_at"},
    filters={"state": State, "event": Event, "webhookId": UUID, "bookingId": UUID, **DAYS},
    aliases={"status": "state"}, names={"event": "type", "webhookId": "endpoint_id", "bookingId": "booking_id"},
)  # fmt: skip
TAGS = ("integration",)


class WebhookIn(CamelBody):
    url: Url
    events: Events
    secret: Secret | None = None
    description: Description | None = None


class WebhookChange(CamelBody):
    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    is_active: bool | None = None


class WebhookOut(CamelView):
    """`disabledReason`: owner, gone (it answered 410), failing (five days without a success)."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_active: bool
    disabled_reason: str | None
    failing_since: datetime | None
    last_success_at: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class NewWebhookOut(WebhookOut):
    """`secret` is shown this once."""

    secret: str


class MadeOut(CamelView):
    webhook: NewWebhookOut


class OneOut(CamelView):
    webhook: WebhookOut


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
    created_at: datetime
    next_try_at: datetime | None
    finished_at: datetime | None


class DeliveryDetail(DeliveryOut):
    tries: list[AttemptOut]


@organisation.route("POST", "/integration/webhooks", status=201, permission="webhooks:write", tags=TAGS)
async def create(services: Services, caller: Member, body: WebhookIn) -> Reply[MadeOut]:
    """Tell one of our systems of these events. Deliveries are signed (Standard Webhooks) with the secret.

    Example: {"url": "https://example.com/hooks", "events": ["booking.created", "invoice.generated"], "secret":
    "a-secret-of-sixteen-bytes-or-more"}
    """
    async with services.transaction() as tx:
        owner = await _owner(tx, caller)
        made = await endpoints.create(
            tx, owner, caller.actor, url=body.url, events=body.events, secret=body.secret, description=body.description
        )
    shown = NewWebhookOut(**endpoint_fields(made.endpoint), secret=made.secret)
    return Reply(MadeOut(webhook=shown), message="Webhook created successfully")


@organisation.route("GET", "/integration/webhooks", permission="webhooks:read", listing=HOOKS, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[WebhookOut]:
    """Our webhooks, the newest first."""
    async with services.read() as conn:
        return Page.of(await endpoints.page(conn, _mine(caller), listing.wanted), webhook_out)


@organisation.route("GET", "/integration/webhooks/{id}", permission="webhooks:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneOut:
    """One webhook, without its secret."""
    async with services.read() as conn:
        return OneOut(webhook=webhook_out(await endpoints.get(conn, _mine(caller), id)))


@organisation.route("PUT", "/integration/webhooks/{id}", permission="webhooks:write", tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, body: WebhookChange) -> Reply[OneOut]:
    """Change what is sent, or switch it off and on.

    Example: {"isActive": false}
    """
    async with services.transaction() as tx:
        after = await endpoints.change(
            tx, await _owner(tx, caller), id, caller.actor, url=body.url, events=body.events,
            description=body.description, is_active=body.is_active,
        )  # fmt: skip
    return Reply(OneOut(webhook=webhook_out(after)), message="Webhook updated")


@organisation.route("DELETE", "/integration/webhooks/{id}", permission="webhooks:write", tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID) -> Message:
    """Nothing more is sent there."""
    async with services.transaction() as tx:
        await endpoints.delete(tx, _mine(caller), id, caller.actor)
    return Message("Webhook deleted")


@organisation.route("POST", "/integration/webhooks/{id}/rotate", permission="webhooks:write", tags=TAGS)
async def rotate(services: Services, caller: Member, id: UUID, body: SecretIn | None = None) -> MadeOut:
    """A new secret; for a day the old one signs too."""
    async with services.transaction() as tx:
        owner = await _owner(tx, caller)
        made = await endpoints.rotate(tx, owner, id, caller.actor, body.secret if body else None)
    return MadeOut(webhook=NewWebhookOut(**endpoint_fields(made.endpoint), secret=made.secret))


@organisation.route("POST", "/integration/webhooks/{id}/test", permission="webhooks:write", tags=TAGS)
async def test(services: Services, caller: Member, id: UUID) -> DeliveryOut:
    """Send a signed ping, once; the log says how it went."""
    async with services.transaction() as tx:
        return delivery_out(await endpoints.test(tx, await _owner(tx, caller), id, caller.actor))


@organisation.route("GET", "/integration/webhooks/deliveries", permission="webhooks:read", listing=LOG, tags=TAGS)
async def log(services: Services, caller: Member, listing: Listing) -> Page[DeliveryOut]:
    """What was sent to our webhooks, the newest first."""
    async with services.read() as conn:
        found = await deliveries.page(conn, _mine(caller), listing.wanted, services.settings.timezone)
    return Page.of(found, delivery_out)


@organisation.route("GET", "/integration/webhooks/events", permission="webhooks:read", tags=TAGS)
async def events(caller: Member) -> EventsOut:
    """Every event that a webhook may ask for."""
    return EventsOut(events=list(EVENTS["organisation"]))


@organisation.route("GET", "/integration/webhooks/deliveries/{id}", permission="webhooks:read", tags=TAGS)
async def delivery(services: Services, caller: Member, id: UUID) -> DeliveryDetail:
    """One delivery with every try of it."""
    async with services.read() as conn:
        found = await deliveries.get(conn, _mine(caller), id)
        tries = await deliveries.attempts(conn, _mine(caller), id)
    return DeliveryDetail(**delivery_fields(found), tries=attempts_out(tries))


@organisation.route("POST", "/integration/webhooks/deliveries/replay", permission="webhooks:write", tags=TAGS)
async def replay_range(services: Services, caller: Member, body: ReplayIn) -> ReplayedOut:
    """Send again what was made in a span of time, in its order.

    Example: {"since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}
    """
    async with services.transaction() as tx:
        owner = await _owner(tx, caller)
        count = await deliveries.replay_range(
            tx, owner, since=body.since, until=body.until, endpoint_id=body.webhook_id, states=body.states
        )
    return ReplayedOut(replayed=count)


@organisation.route("POST", "/integration/webhooks/deliveries/{id}/replay", permission="webhooks:write", tags=TAGS)
async def replay(services: Services, caller: Member, id: UUID) -> Message:
    """Send a delivery once more, under the same id."""
    async with services.transaction() as tx:
        await deliveries.replay(tx, await _owner(tx, caller), id)
    return Message("The delivery is sent again")


def _mine(caller: Member) -> Owner:
    return Owner("organisation", whole_organisation(caller))


async def _owner(tx: Tx, caller: Member) -> Owner:
    """Raises TierTooLow."""
    tiers.require((await organisations.get(tx.conn, whole_organisation(caller))).tier, "webhooks")
    return _mine(caller)


def webhook_out(row: Endpoint) -> WebhookOut:
    return WebhookOut(**endpoint_fields(row))


def delivery_out(row: Delivery) -> DeliveryOut:
    return DeliveryOut(**delivery_fields(row))
