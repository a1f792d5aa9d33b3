"""How an app signs in and keeps its credentials: by key and secret, by slug and secret, by a token for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dispatch.access import api_keys
from dispatch.access.api_keys import KeyHolder, WrongKey
from dispatch.engine import audit
from dispatch.errors import NotSignedIn
from dispatch.events import Actor
from dispatch.parties import integration_onboarding, integration_usage, integrations
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from storage import api_keys as key_rows
from storage import integrations as rows

#: The realm of the tokens that an app gets for its credentials.
TOKEN_REALM = "client"


@dataclass(frozen=True, slots=True)
class Token:
    """A token for an app, and for how many seconds it is good."""

    token: str
    life_s: int
    integration_id: UUID


@dataclass(frozen=True, slots=True)
class Rotated:
    """`secret` is shown this once; the one before works until then."""

    client_id: str
    secret: str
    previous_until: datetime


async def check(services: Services, key: str, secret: str, ip: str | None) -> KeyHolder:
    """Who presented this pair. Raises WrongKey, WrongAddress."""
    async with services.read() as conn:
        return await api_keys.check(conn, key, secret, ip)


async def holder_of(services: Services, token: str, ip: str | None) -> KeyHolder:
    """Whose token this is, while its key stands. Raises NotSignedIn, TokenExpired, WrongAddress."""
    claims = services.tokens.read(token, TOKEN_REALM)
    async with services.read() as conn:
        try:
            return await api_keys.holder_of(conn, UUID(claims.subject), ip)
        except (WrongKey, ValueError) as error:
            raise NotSignedIn from error


async def sign_in(services: Services, name: str, secret: str, ip: str | None, *, is_slug: bool = False) -> Token:
    """A token for the pair of client id (or slug) and secret. Raises WrongKey, WrongAddress, NotActive."""
    if is_slug:
        async with services.read() as conn:
            found = await rows.by_slug(conn, slug=name.lower())
        name = found.client_id or "" if found else ""
    holder = await check(services, name, secret, ip)
    await integration_usage.admit(services, holder.party_id)
    life_s = services.settings.tokens.access_s
    token = services.tokens.mint(TOKEN_REALM, str(holder.key_id), None, life_s, {"partner": str(holder.party_id)})
    return Token(token, life_s, holder.party_id)


async def rotate(tx: Tx, id: UUID, actor: Actor) -> Rotated:
    """A new secret; the old one works a day more. Raises PartnerNotFound."""
    row = await integrations.locked(tx, id)
    key_id = await integration_onboarding.ensure_key(tx, row)
    secret = await api_keys.rotate(tx, id, key_id)
    after = await integrations.get(tx.conn, id)
    assert secret is not None and after.client_id is not None, "the key is this app's and stands"
    await audit.record(tx, actor, "rotate_credentials", "integration", id)
    told = {"kind": "credentials_rotated", "text": "Your client secret was replaced.", "at": tx.now.isoformat()}
    await deliveries.publish(tx, Owner(integrations.REALM, id), "security.alert", told)
    until = tx.now + timedelta(seconds=api_keys.OVERLAP_S)
    return Rotated(after.client_id, secret, until)


async def restrict(
    tx: Tx, id: UUID, actor: Actor, *, scopes: Mapping[str, Any] | None = None, ip_allow: Sequence[str] | None = None
) -> None:
    """What the app's key may do, and from where; None leaves it. Raises PartnerNotFound."""
    row = await integrations.locked(tx, id)
    key_id = await integration_onboarding.ensure_key(tx, row)
    before = await key_rows.find_by_id(tx.conn, id=key_id)
    if scopes is not None:
        await key_rows.set_scopes(tx.conn, id=key_id, scopes=dict(scopes))
    if ip_allow is not None:
        await key_rows.set_ip_allow(tx.conn, id=key_id, ip_allow=list(ip_allow))
    after = await key_rows.find_by_id(tx.conn, id=key_id)
    await audit.changed(tx, actor, "restrict_credentials", "integration", id, _limits(before), _limits(after))


def _limits(key: key_rows.ApiKey | None) -> dict[str, Any]:
    return {"scopes": dict(key.scopes), "ip_ranges": list(key.ip_allow)} if key else {}
