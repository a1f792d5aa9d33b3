"""Webhooks: what our systems are told as it happens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import whole_organisation
from api.shared.webhooks import Description, Events, Secret, Url, delivery_fields, endpoint_fields
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, Page, Reply
from dispatch.parties import organisations, tiers
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.owners import Owner
from storage.webhook_deliveries import Delivery
from storage.webhooks import Endpoint

HOOKS = Grammar(key="webhooks", source=endpoints.LIST)
LOG = Grammar(key="deliveries", source=deliveries.LOG)
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
    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_active: bool
    created_at: datetime


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
    event: str
    state: str
    attempts: int
    created_at: datetime


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
async def rotate(services: Services, caller: Member, id: UUID) -> MadeOut:
    """A new secret; for a day the old one signs too."""
    async with services.transaction() as tx:
        made = await endpoints.rotate(tx, await _owner(tx, caller), id, caller.actor)
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
