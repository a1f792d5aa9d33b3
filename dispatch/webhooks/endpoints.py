"""Endpoints of webhooks: made, changed, switched on and off, secrets rotated, tested. See the package's docstring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from dispatch import bus, urls
from dispatch.config import Settings
from dispatch.engine import alerts, audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from dispatch.vault import cell, vault_of
from dispatch.webhooks import deliveries, signing
from dispatch.webhooks import events as event_names
from dispatch.webhooks.owners import Owner
from storage import webhook_deliveries as delivery_rows
from storage import webhooks as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.webhook_deliveries import Delivery
from storage.webhooks import Endpoint

#: An owner has at most so many.
MOST_ENDPOINTS = 20
#: After a rotation the secret before signs too for so long, in seconds of the domain's time.
OVERLAP_S = 24 * 3600.0
#: What staff are told of an endpoint of the house that was switched off.
DISABLED = "webhook_disabled"
#: What they are told of one that goes on, though an event could not be delivered to it.
FAILED = "webhook_failed"
_MOST_DESCRIPTION = 500

LIST = rows.of_owner


class TooManyEndpoints(Conflict):
    """There are as many webhooks as there may be: delete one first."""

    code = "too_many_webhooks"


@dataclass(frozen=True, slots=True)
class Made:
    """An endpoint with its secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


async def get(conn: Conn, owner: Owner, endpoint_id: UUID) -> Endpoint:
    """Raises Missing."""
    found = await rows.find(conn, id=endpoint_id, owner_kind=owner.kind, owner_id=owner.id)
    if found is None:
        raise Missing("webhook")
    return found


async def page(conn: Conn, owner: Owner, wanted: Wanted) -> Slice[Endpoint]:
    """A page of an owner's endpoints, the newest first."""
    return await rows.of_owner.page(conn, wanted, owner_kind=owner.kind, owner_id=owner.id)


async def create(
    tx: Tx, owner: Owner, actor: Actor, *, url: str, events: Sequence[str], secret: str | None = None,
    description: str | None = None, is_active: bool = True,
) -> Made:  # fmt: skip
    """A new endpoint. A secret of the client's own is taken as it is; without one it is generated.

    Raises Invalid, which names every bad field, and TooManyEndpoints.
    """
    wanted = _checked(tx.services.settings, owner, url=url, events=events, secret=secret, description=description)
    await rows.lock_owner(tx.conn, owner_kind=owner.kind, owner_id=owner.id)
    if (await rows.count_of_owner(tx.conn, owner_kind=owner.kind, owner_id=owner.id) or 0) >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint_id, secret = uuid4(), secret or signing.generated()
    made = await rows.insert(
        tx.conn, id=endpoint_id, owner_kind=owner.kind, owner_id=owner.id, url=url, events=wanted,
        description=description, secret_enc=_sealed(tx, endpoint_id, secret), is_active=is_active,
    )  # fmt: skip
    assert made is not None, "an insert returns its row"
    await _audit(tx, actor, "create_webhook", endpoint_id, {"url": (None, urls.shown(url)), "events": (None, wanted)})
    return Made(made, secret)


async def change(
    tx: Tx, owner: Owner, endpoint_id: UUID, actor: Actor, *, url: str | None = None,
    events: Sequence[str] | None = None, description: str | None = None, is_active: bool | None = None,
) -> Endpoint:  # fmt: skip
    """Changes what is given; an empty description takes it away. Switched on, or at another address, it starts afresh:
    what failed is over, and what waits for its next try goes at once.

    Raises Missing, Invalid.
    """
    before = await get(tx.conn, owner, endpoint_id)
    wanted = _checked(tx.services.settings, owner, url=url, events=events, description=description)
    after = await rows.change(
        tx.conn, id=endpoint_id, owner_kind=owner.kind, owner_id=owner.id, url=url, events=wanted,
        has_description=description is not None, description=description or None, is_active=is_active,
    )  # fmt: skip
    if after is None:
        raise Missing("webhook")
    names = ("url", "events", "description", "is_active")
    told = {n: (getattr(before, n), getattr(after, n)) for n in names if getattr(before, n) != getattr(after, n)}
    if "url" in told:
        told["url"] = (urls.shown(before.url), urls.shown(after.url))
    await _audit(tx, actor, "change_webhook", endpoint_id, told)
    if after.is_active:
        await alerts.resolve(tx, [DISABLED], subject=alert_subject(endpoint_id))
        if before.failing_since is not None and after.failing_since is None:
            await deliveries.hurry(tx, endpoint_id)
    tx.hint(bus.WEBHOOKS_FILLED, {})
    return after


async def delete(tx: Tx, owner: Owner, endpoint_id: UUID, actor: Actor) -> None:
    """Nothing more is sent to it, and its log goes with it. Raises Missing."""
    if await rows.delete(tx.conn, id=endpoint_id, owner_kind=owner.kind, owner_id=owner.id) is None:
        raise Missing("webhook")
    await _deleted(tx, endpoint_id, actor)


async def delete_all(tx: Tx, owner: Owner, actor: Actor) -> None:
    """Deletes every endpoint of an owner who is deleted."""
    for endpoint in await rows.delete_of_owner(tx.conn, owner_kind=owner.kind, owner_id=owner.id):
        await _deleted(tx, endpoint.id, actor)


async def rotate(tx: Tx, owner: Owner, endpoint_id: UUID, actor: Actor, secret: str | None = None) -> Made:
    """A new secret. For a day the one before signs too, so that a receiver can change over. Raises Missing, Invalid."""
    new = signing.generated() if secret is None else signing.checked(secret)
    after = await rows.rotate(
        tx.conn, id=endpoint_id, owner_kind=owner.kind, owner_id=owner.id, overlap_s=OVERLAP_S,
        secret_enc=_sealed(tx, endpoint_id, new),
    )  # fmt: skip
    if after is None:
        raise Missing("webhook")
    await _audit(tx, actor, "rotate_webhook_secret", endpoint_id, {})
    return Made(after, new)


async def test(tx: Tx, owner: Owner, endpoint_id: UUID, actor: Actor) -> Delivery:
    """Sends a signed `ping`, once, also to one that is switched off; the log says how it went. Raises Missing."""
    endpoint = await get(tx.conn, owner, endpoint_id)
    data = {"webhook_id": str(endpoint.id), "events": endpoint.events}
    delivery_id = await delivery_rows.put_test(tx.conn, endpoint_id=endpoint_id, data=data)
    if delivery_id is None:
        raise Missing("webhook")
    await _audit(tx, actor, "test_webhook", endpoint_id, {})
    tx.hint(bus.WEBHOOKS_FILLED, {})
    found = await delivery_rows.find(tx.conn, id=delivery_id, owner_kind=owner.kind, owner_id=owner.id)
    assert found is not None, "it was written just now"
    return found


def alert_subject(endpoint_id: UUID) -> str:
    """How alerts name an endpoint."""
    return f"webhook:{endpoint_id}"


def opened_secret(settings: Settings, endpoint_id: UUID, sealed: bytes) -> str:
    """The secret that signs for an endpoint. Raises SealBroken."""
    return vault_of(settings).open(sealed, cell("webhook_endpoints", endpoint_id, "secret"))


def _sealed(tx: Tx, endpoint_id: UUID, secret: str) -> bytes:
    return vault_of(tx.services.settings).seal(secret, cell("webhook_endpoints", endpoint_id, "secret"))


def _checked(
    settings: Settings, owner: Owner, *, url: str | None, events: Sequence[str] | None, secret: str | None = None,
    description: str | None = None,
) -> list[str] | None:  # fmt: skip
    """The events, each once, when all that is given is well. Raises Invalid with everything that is not."""
    bad: dict[str, list[str] | str] = {}
    wanted: list[str] | None = None
    if url is not None and (complaint := urls.complaint_of(url, settings.webhooks.open_hosts)):
        bad["url"] = complaint
    try:
        wanted = None if events is None else event_names.chosen(owner.kind, events)
    except Invalid as error:
        bad |= error.fields
    if secret is not None:
        try:
            signing.checked(secret)
        except Invalid as error:
            bad |= error.fields
    if description is not None and len(description) > _MOST_DESCRIPTION:
        bad["description"] = f"must be at most {_MOST_DESCRIPTION} characters long"
    if bad:
        raise Invalid(bad)
    return wanted


async def _deleted(tx: Tx, endpoint_id: UUID, actor: Actor) -> None:
    await alerts.resolve(tx, [DISABLED, FAILED], subject=alert_subject(endpoint_id))
    await _audit(tx, actor, "delete_webhook", endpoint_id, {})


async def _audit(tx: Tx, actor: Actor, action: str, endpoint_id: UUID, changes: dict[str, tuple[Any, Any]]) -> None:
    told = {name: {"old": old, "new": new} for name, (old, new) in changes.items()}
    await audit.record(tx, actor, action, "webhook", endpoint_id, told or None)
