"""What a partner is told as it happens: its subscriptions, their secrets, and the log of what was delivered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Member, integration
from api.integration import callers
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import CamelBody, CamelView, Moment
from api.wire.results import Message, Page, Reply
from dispatch.access.permissions import OWN
from dispatch.services import Services
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.endpoints import Made
from dispatch.webhooks.owners import Owner
from storage.webhook_deliveries import Attempt, Delivery
from storage.webhooks import Endpoint

TAGS = ("webhooks",)
READ, WRITE = "webhooks:read", "webhooks:write"
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Event = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Events = Annotated[list[Event], Field(min_length=1, max_length=100)]
State = Literal["pending", "delivered", "failed"]


class WebhookIn(CamelBody):
    """Without a secret one is made; one of your own has at least 16 bytes and is taken as it is."""

    url: Address
    events: Events
    is_active: bool = True
    secret: Secret | None = None
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None


class WebhookChange(CamelBody):
    url: Address | None = None
    events: Events | None = None
    is_active: bool | None = None
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None


class SecretIn(CamelBody):
    secret: Secret | None = None


class ReplayIn(CamelBody):
    """Everything that was made from `since` on and before `until`; by default what failed."""

    since: Moment
    until: Moment
    webhook_id: UUID | None = None
    states: Annotated[list[Literal["failed", "delivered"]], Field(min_length=1, max_length=2)] = ["failed"]


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


class AttemptOut(CamelView):
    """`reply` is the beginning of what was answered."""

    attempt: int
    at: datetime
    status: int | None
    error: str | None
    duration_ms: int
    reply: str | None


class DeliveryDetail(DeliveryOut):
    tries: list[AttemptOut]


class ReplayedOut(CamelView):
    replayed: int


HOOKS = Grammar(key="webhooks", source=endpoints.LIST, sorts={"createdAt": "created_at", "url": "url"})
LOG = Grammar(
    key="deliveries", source=deliveries.LOG, sorts={"createdAt": "created_at"},
    filters={"status": State, "event": str, "webhookId": UUID, "bookingId": UUID, **DAYS},
    names={"status": "state", "event": "type", "webhookId": "endpoint_id", "bookingId": "booking_id"},
)  # fmt: skip


@integration.route("GET", "/{id}/webhooks", permission=OWN, listing=HOOKS, tags=TAGS)
async def page(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[WebhookOut]:
    """The partner's subscriptions, the newest first."""
    owner = await _owner(services, caller, id, READ)
    async with services.read() as conn:
        return Page.of(await endpoints.page(conn, owner, listing.wanted), _out)


@integration.route("POST", "/{id}/webhooks", status=201, permission=OWN, tags=TAGS)
async def create(services: Services, caller: Member, id: UUID, body: WebhookIn) -> Reply[WebhookMadeOut]:
    """Subscribes to events; deliveries are signed (Standard Webhooks) with the secret, shown this once.

    Example: {"url": "https://acme.example/hooks", "events": ["booking.confirmed", "booking.completed"]}
    """
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        made = await endpoints.create(
            tx, owner, caller.actor, url=body.url, events=body.events, secret=body.secret,
            description=body.description, is_active=body.is_active,
        )  # fmt: skip
    return Reply(_made(made), "Keep the secret: it is shown this once.")


@integration.route("PUT", "/{id}/webhooks/{webhook_id}", permission=OWN, tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, webhook_id: UUID, body: WebhookChange) -> WebhookOut:
    """Changes what is sent; switched on again, it starts afresh.

    Example: {"isActive": false}
    """
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        changed = await endpoints.change(
            tx, owner, webhook_id, caller.actor, url=body.url, events=body.events, description=body.description,
            is_active=body.is_active,
        )  # fmt: skip
    return _out(changed)


@integration.route("DELETE", "/{id}/webhooks/{webhook_id}", permission=OWN, tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID, webhook_id: UUID) -> Message:
    """Nothing more is sent there."""
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        await endpoints.delete(tx, owner, webhook_id, caller.actor)
    return Message("The webhook was deleted.")


@integration.route("POST", "/{id}/webhooks/{webhook_id}/regenerate-secret", permission=OWN, tags=TAGS)
async def regenerate_secret(
    services: Services, caller: Member, id: UUID, webhook_id: UUID, body: SecretIn | None = None
) -> Reply[WebhookMadeOut]:
    """A new secret, shown this once; for 24 hours the old one signs too."""
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        made = await endpoints.rotate(tx, owner, webhook_id, caller.actor, body.secret if body else None)
    return Reply(_made(made), "Keep the secret: it is shown this once.")


@integration.route("POST", "/{id}/webhooks/{webhook_id}/test", permission=OWN, tags=TAGS)
async def test(services: Services, caller: Member, id: UUID, webhook_id: UUID) -> DeliveryOut:
    """Sends a signed `ping`, once; the log says how it went."""
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        return _delivery(await endpoints.test(tx, owner, webhook_id, caller.actor))


@integration.route("GET", "/{id}/webhooks/deliveries", permission=OWN, listing=LOG, tags=TAGS)
async def log(services: Services, caller: Member, id: UUID, listing: Listing) -> Page[DeliveryOut]:
    """What was delivered or is to be, the newest first."""
    owner = await _owner(services, caller, id, READ)
    async with services.read() as conn:
        found = await deliveries.page(conn, owner, listing.wanted, services.settings.timezone)
    return Page.of(found, _delivery)


@integration.route("GET", "/{id}/webhooks/deliveries/{delivery_id}", permission=OWN, tags=TAGS)
async def delivery(services: Services, caller: Member, id: UUID, delivery_id: UUID) -> DeliveryDetail:
    """One delivery with every try of it."""
    owner = await _owner(services, caller, id, READ)
    async with services.read() as conn:
        found = await deliveries.get(conn, owner, delivery_id)
        tries = await deliveries.attempts(conn, owner, delivery_id)
    return DeliveryDetail(**_delivery(found).model_dump(by_alias=False), tries=[_attempt(a) for a in tries])


@integration.route("POST", "/{id}/webhooks/deliveries/{delivery_id}/replay", permission=OWN, tags=TAGS)
async def replay(services: Services, caller: Member, id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Sends a delivery once more, under the same webhook-id."""
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        return _delivery(await deliveries.replay(tx, owner, delivery_id))


@integration.route("POST", "/{id}/webhooks/deliveries/replay", permission=OWN, tags=TAGS)
async def replay_range(services: Services, caller: Member, id: UUID, body: ReplayIn) -> ReplayedOut:
    """Sends again what was made in a span of time, in its order.

    Example: {"since": "2026-01-05T00:00:00Z", "until": "2026-01-06T00:00:00Z"}
    """
    owner = await _owner(services, caller, id, WRITE)
    async with services.transaction() as tx:
        count = await deliveries.replay_range(
            tx, owner, since=body.since, until=body.until, endpoint_id=body.webhook_id, states=body.states
        )
    return ReplayedOut(replayed=count)


async def _owner(services: Services, caller: Member, id: UUID, permission: str) -> Owner:
    """Raises as `callers.check` does."""
    await callers.check(services, caller, id, permission)
    return Owner("integration", id)


def _out(e: Endpoint) -> WebhookOut:
    return WebhookOut(
        id=e.id, url=e.url, events=e.events, is_active=e.is_active, description=e.description,
        disabled_reason=e.disabled_reason, failing_since=e.failing_since, last_success_at=e.last_success_at,
        previous_secret_until=e.previous_until, created_at=e.created_at, updated_at=e.updated_at,
    )  # fmt: skip


def _made(made: Made) -> WebhookMadeOut:
    return WebhookMadeOut(**_out(made.endpoint).model_dump(by_alias=False), secret=made.secret)


def _delivery(d: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=d.id, webhook_id=d.endpoint_id, url=d.url, event=d.type, booking_id=d.booking_id,
        status=d.state, attempts=d.attempts, last_status=d.last_status, error=d.error, created_at=d.created_at,
        next_try_at=d.next_try_at, finished_at=d.finished_at,
    )  # fmt: skip


def _attempt(a: Attempt) -> AttemptOut:
    return AttemptOut(
        attempt=a.attempt, at=a.at, status=a.status, error=a.error, duration_ms=a.duration_ms, reply=a.reply
    )
