"""Credentials of machines: made once, shown once, compared by hash, never more than their maker may do today."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.access.permissions import Grants, Level, grants_of
from dispatch.errors import NotAllowed, NotSignedIn
from dispatch.services import Tx
from storage import api_keys as rows
from storage.database.pool import Conn

#: What an organisation's public key begins with; any other is the client id of an integration.
ORGANISATION_PREFIX = "pk_"
CLIENT_PREFIX = "ci_"
#: What the second name of an integration's key begins with, which is a secret as well.
ALIAS_PREFIX = "ak_"
SECRET_PREFIX = "sk_"
#: After a rotation the old secret is good for so long, in seconds of real time.
OVERLAP_S = 24 * 3600.0
_MOST_KEY_CHARS = 200
#: An organisation's key and its secret say that they are in earnest, as its contract has it (R22).
_LIVE = "live_"


class WrongKey(NotSignedIn):
    """These credentials are not valid."""

    code = "invalid_credentials"


class WrongAddress(NotAllowed):
    """These credentials may not be used from this address."""

    code = "address_not_allowed"


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is shown once."""

    id: UUID
    public_key: str
    secret: str


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who presented a key that is good."""

    key_id: UUID
    party_id: UUID
    made_by: UUID | None
    #: The role of whoever made it, as it is today; None for a key that no person made.
    maker_role: str | None
    grants: Grants
    #: Its own limit for a quarter of an hour, where it has one.
    rate_limit: int | None


async def make(
    tx: Tx,
    party_id: UUID,
    *,
    kind: str,
    name: str,
    scopes: Mapping[str, Level],
    made_by: UUID | None = None,
    ip_allow: Sequence[str] = (),
    expires_at: datetime | None = None,
    description: str | None = None,
    rate_limit: int | None = None,
) -> NewKey:
    """A key of a party of this kind. The secret is nowhere but in what is returned."""
    prefix = f"{ORGANISATION_PREFIX}{_LIVE}" if kind == "organisation" else CLIENT_PREFIX
    public_key = f"{prefix}{secrets.token_urlsafe(18)}"
    secret = _secret_of(kind)
    key_id = await rows.insert(
        tx.conn, party_id=party_id, name=name, public_key=public_key, key_hash=None, secret_hash=_hash(secret),
        scopes=dict(scopes), made_by=made_by, ip_allow=list(ip_allow), expires_at=expires_at, description=description,
        rate_limit=rate_limit,
    )  # fmt: skip
    assert key_id is not None, "an insert returns its id"
    return NewKey(key_id, public_key, secret)


async def check(conn: Conn, public_key: str, secret: str, ip: str | None) -> KeyHolder:
    """Who this is. Raises WrongKey, the same for an unknown key and a wrong secret, and WrongAddress.

    `public_key` is the public name or the second, secret one.
    """
    if not (0 < len(public_key) <= _MOST_KEY_CHARS and len(secret) <= _MOST_KEY_CHARS and public_key.isprintable()):
        raise WrongKey
    key = await rows.find(conn, public_key=public_key, key_hash=_hash(public_key))
    presented = _hash(secret)
    # Compared also where there is no key, so that both take the same way.
    is_right = hmac.compare_digest(presented, key.secret_hash if key else _hash(""))
    if key is not None and key.previous_hash is not None:
        is_right |= hmac.compare_digest(presented, key.previous_hash)
    if key is None or not is_right:
        raise WrongKey
    return await _holder(conn, key, ip)


async def holder_of(conn: Conn, key_id: UUID, ip: str | None) -> KeyHolder:
    """Whose key this is, for whoever proved it before. Raises WrongKey once it is revoked, WrongAddress."""
    key = await rows.find_by_id(conn, id=key_id)
    if key is None:
        raise WrongKey
    return await _holder(conn, key, ip)


async def issue(tx: Tx, key_id: UUID) -> tuple[str, str]:
    """The first secret of a key whose holder had none to use until now: (second name, secret), shown once."""
    alias, secret = ALIAS_PREFIX + secrets.token_urlsafe(24), SECRET_PREFIX + secrets.token_urlsafe(32)
    await rows.issue(tx.conn, id=key_id, secret_hash=_hash(secret), key_hash=_hash(alias))
    return alias, secret


async def rotate(tx: Tx, party_id: UUID, key_id: UUID, *, kind: str = "integration") -> str | None:
    """A new secret; the old one works for a day more. None: this party, of this kind, has no such key."""
    secret = _secret_of(kind)
    done = await rows.rotate(tx.conn, id=key_id, party_id=party_id, secret_hash=_hash(secret), overlap_s=OVERLAP_S)
    return None if done is None else secret


async def _holder(conn: Conn, key: rows.ApiKey, ip: str | None) -> KeyHolder:
    if key.ip_allow and not _is_within(ip, key.ip_allow):
        raise WrongAddress
    await rows.used(conn, id=key.id)
    return KeyHolder(key.id, key.party_id, key.made_by, key.maker_role, _grants(key), key.rate_limit)


def _grants(key: rows.ApiKey) -> Grants:
    scopes = Grants(key.scopes)
    if key.maker_role is None:
        return scopes
    return scopes.at_most(grants_of(key.party_kind, key.maker_role, key.maker_permissions or {}))


def _is_within(ip: str | None, allowed: Sequence[str]) -> bool:
    if ip is None:
        return False
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in allowed)


def _secret_of(kind: str) -> str:
    return f"{SECRET_PREFIX}{_LIVE if kind == 'organisation' else ''}{secrets.token_urlsafe(32)}"


def _hash(secret: str) -> bytes:
    # A secret of 256 random bits needs no slow hash.
    return hashlib.sha256(secret.encode()).digest()
