"""Keys for the organisation's own systems."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import Name, Word, Words, by_of, whole_organisation
from api.wire.models import CamelBody, CamelView, Day, Moment
from api.wire.results import Message, Reply
from dispatch.parties import organisation_keys
from dispatch.parties.organisation_keys import DEFAULT_LIMIT, KeyIn
from dispatch.services import Services
from storage.api_keys import Listed

WARNING = "Store these credentials securely. They will not be shown again."
TAGS = ("integration",)


class KeyBody(CamelBody):
    name: Name
    description: Words | None = None
    permissions: Annotated[list[Word], Field(min_length=1, max_length=50)]
    ip_whitelist: Annotated[list[Word], Field(max_length=100)] = []
    #: Requests in a quarter of an hour.
    rate_limit: Annotated[int, Field(ge=1, le=100_000)] = DEFAULT_LIMIT
    expires_at: Day | Moment | None = None


class KeyOut(CamelView):
    """`status`: `active`; `expired`; `maker_gone`, as whoever made it is no active member, and it opens nothing."""

    id: UUID
    name: str
    description: str | None
    status: str
    key: str
    permissions: list[str]
    ip_whitelist: list[str]
    rate_limit: int
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewKeyOut(CamelView):
    """`secret` is shown this once."""

    id: UUID
    name: str
    key: str
    secret: str
    permissions: list[str]
    ip_whitelist: list[str]
    rate_limit: int
    created_at: datetime
    expires_at: datetime | None


class MadeOut(CamelView):
    api_key: NewKeyOut
    warning: str


class SecretOut(CamelView):
    """The old secret works for a day more."""

    secret: str
    warning: str


class KeysOut(CamelView):
    api_keys: list[KeyOut]


@organisation.route("POST", "/integration/api-keys", status=201, permission="api_keys:write", tags=TAGS)
async def create(services: Services, caller: Member, body: KeyBody) -> Reply[MadeOut]:
    """A key and its secret for one of our systems: sent as X-API-Key and X-API-Secret.

    Example: {"name": "HR System Integration", "permissions": ["read_users", "create_bookings"]}
    """
    whole_organisation(caller)
    new = KeyIn(body.name, body.permissions, body.description, body.ip_whitelist, body.rate_limit, body.expires_at)
    async with services.transaction() as tx:
        made, ends_at = await organisation_keys.make(tx, by_of(caller), caller.grants, new)
        now = tx.now
    shown = NewKeyOut(
        id=made.id, name=body.name, key=made.public_key, secret=made.secret, permissions=body.permissions,
        ip_whitelist=body.ip_whitelist, rate_limit=body.rate_limit, created_at=now, expires_at=ends_at,
    )  # fmt: skip
    return Reply(MadeOut(api_key=shown, warning=WARNING), message="API key created successfully")


@organisation.route("GET", "/integration/api-keys", permission="api_keys:read", tags=TAGS)
async def page(services: Services, caller: Member) -> KeysOut:
    """Our keys, without their secrets."""
    async with services.read() as conn:
        found = await organisation_keys.page(conn, whole_organisation(caller))
    return KeysOut(api_keys=[key_out(k) for k in found])


@organisation.route("POST", "/integration/api-keys/{id}/rotate", permission="api_keys:write", tags=TAGS)
async def rotate(services: Services, caller: Member, id: UUID) -> SecretOut:
    """A new secret; the old one works for a day more."""
    async with services.transaction() as tx:
        return SecretOut(secret=await organisation_keys.rotate(tx, by_of(caller), id), warning=WARNING)


@organisation.route("DELETE", "/integration/api-keys/{id}", permission="api_keys:write", tags=TAGS)
async def revoke(services: Services, caller: Member, id: UUID) -> Message:
    """From now on the key opens nothing."""
    async with services.transaction() as tx:
        await organisation_keys.revoke(tx, by_of(caller), id)
    return Message("API key revoked")


def key_out(k: Listed) -> KeyOut:
    words = [f"{'create' if level == 'write' else 'read'}_{resource}" for resource, level in k.scopes.items()]
    return KeyOut(
        id=k.id, name=k.name, description=k.description, status=k.status, key=k.public_key, permissions=words,
        ip_whitelist=[text.removesuffix("/32").removesuffix("/128") for text in k.ip_allow],
        rate_limit=k.rate_limit or DEFAULT_LIMIT, created_at=k.created_at, expires_at=k.expires_at,
        last_used_at=k.last_used_at,
    )  # fmt: skip
