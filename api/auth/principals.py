"""Who calls: one type per audience, and how a bearer token becomes one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from api.edge.credentials import Credentials
from dispatch.access import api_keys
from dispatch.access.permissions import OWN, READ, WRITE, Grants, grants_of
from dispatch.access.signing import ORDER
from dispatch.errors import Missing, NotSignedIn
from dispatch.events import NOWHERE, Actor, Origin
from dispatch.live.standing import Seen
from dispatch.parties import integration_access, integration_usage, members, organisations
from dispatch.services import Services
from dispatch.tokens import Tokens
from storage import providers as provider_rows
from storage.database.pool import Conn
from storage.providers import Provider

#: What the token of a registration opens, besides what everybody has for themselves.
ONBOARDING = Grants({"onboarding": WRITE, "organization": READ, "files": WRITE})
#: The department of a manager who has none.
NO_DEPARTMENT = UUID(int=0)
#: Who signs in with an e-mail address and a password.
MEMBER_REALMS = frozenset(ORDER)


class SignedOut(NotSignedIn):
    """You are signed out: sign in again."""

    code = "unauthorized"


@dataclass(frozen=True, slots=True)
class Customer:
    """An account that books for itself, or for which an integration books: it then calls by its key, not a session."""

    account_id: UUID
    session_id: UUID
    integration_id: UUID | None = None

    @property
    def key(self) -> str:
        """How counters and idempotency keys name this caller."""
        return f"customer:{self.account_id}"

    @property
    def actor(self) -> Actor:
        """Who did it: the app, where it calls for one of its customers."""
        if self.integration_id is not None:
            return Actor("integration", str(self.integration_id))
        return Actor("customer", str(self.account_id))


@dataclass(frozen=True, slots=True)
class Technician:
    """The person who does the jobs."""

    technician_id: UUID
    session_id: UUID

    @property
    def key(self) -> str:
        return f"technician:{self.technician_id}"

    @property
    def actor(self) -> Actor:
        return Actor("technician", str(self.technician_id))


@dataclass(frozen=True, slots=True)
class Admin:
    """A member of staff, with the role of this moment."""

    account_id: UUID
    session_id: UUID
    role: str
    grants: Grants
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def key(self) -> str:
        return f"admin:{self.account_id}"

    @property
    def actor(self) -> Actor:
        """Who the audit says it was, with address and agent."""
        return Actor("admin", str(self.account_id), self.origin)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a party, or of the staff, as one membership; a party's key has no session and no account."""

    realm: str
    role: str
    party_id: UUID | None
    grants: Grants
    account_id: UUID | None = None
    membership_id: UUID | None = None
    session_id: UUID | None = None
    key_id: UUID | None = None
    #: The department that a manager of an organisation is bound to; None is all of it.
    within: UUID | None = None
    #: A key's own limit.
    rate_limit: int | None = None
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def key(self) -> str:
        return f"{self.realm}:{self.membership_id or self.key_id}"

    @property
    def actor(self) -> Actor:
        return Actor(self.realm, str(self.account_id or self.key_id), self.origin)


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Somebody of a provider's team, with the provider as it is now: its currency, its clock, how it writes money."""

    provider: Provider
    role: str
    grants: Grants
    account_id: UUID
    membership_id: UUID
    session_id: UUID
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def provider_id(self) -> UUID:
        return self.provider.id

    @property
    def key(self) -> str:
        return f"provider:{self.membership_id}"

    @property
    def actor(self) -> Actor:
        return Actor("provider", str(self.account_id), self.origin)


@dataclass(frozen=True, slots=True)
class Service:
    """Another server of the house, by name."""

    name: str
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def key(self) -> str:
        return f"service:{self.name}"

    @property
    def actor(self) -> Actor:
        return Actor("service", self.name, self.origin)


async def _signed_in(services: Services, credentials: Credentials, realm: str) -> tuple[UUID, UUID, Seen]:
    """(subject, session, what stands of it) of a bearer token. Raises NotSignedIn and its kinds."""
    if (token := credentials.bearer) is None:
        raise NotSignedIn
    claims = services.tokens.read(token, realm)
    if claims.session_id is None:
        raise NotSignedIn
    try:
        subject_id = UUID(claims.subject)
    except ValueError as error:
        raise NotSignedIn from error
    seen = await services.sessions.standing.of(claims.session_id, realm)
    if seen is None:
        raise SignedOut
    return subject_id, claims.session_id, seen


async def customer(services: Services, credentials: Credentials) -> Customer:
    subject_id, session_id, _ = await _signed_in(services, credentials, "customer")
    return Customer(subject_id, session_id)


async def technician(services: Services, credentials: Credentials) -> Technician:
    subject_id, session_id, _ = await _signed_in(services, credentials, "technician")
    return Technician(subject_id, session_id)


async def admin(services: Services, credentials: Credentials) -> Admin:
    """With the role of these seconds: it stands in the list that says whether the sign-in does."""
    member = await _member(services, credentials, "admin")
    assert member.account_id is not None and member.session_id is not None, "staff are people"
    return Admin(member.account_id, member.session_id, member.role, member.grants, member.origin)


async def anybody(services: Services, credentials: Credentials) -> Member:
    """Whoever signed in with a password, in whatever realm that was."""
    claimed = services.tokens.realm_of(credentials.bearer or "")
    if claimed not in MEMBER_REALMS or _scope(services, credentials, claimed) is not None:
        raise NotSignedIn
    return await _member(services, credentials, claimed)


async def organisation(services: Services, credentials: Credentials) -> Member:
    """A member of an organisation, or its key (X-API-Key that begins with pk_, and X-API-Secret).

    Raises Missing when X-Organization-ID names another one.
    """
    key, secret = credentials.header("X-API-Key"), credentials.header("X-API-Secret")
    if credentials.bearer is None and key is not None and key.startswith(api_keys.ORGANISATION_PREFIX):
        async with services.read() as conn:
            holder = await api_keys.check(conn, key, secret or "", credentials.ip)
        role: str | None
        member = Member(
            "organisation",
            "key",
            holder.party_id,
            holder.grants,
            key_id=holder.key_id,
            origin=credentials.origin,
            rate_limit=holder.rate_limit,
        )
        role, of = holder.maker_role, holder.made_by
    else:
        member = await _member(services, credentials, "organisation")
        if _scope(services, credentials, "organisation") == organisations.ONBOARDING_SCOPE:
            member = replace(member, grants=member.grants.at_most(ONBOARDING))
        role, of = member.role, member.membership_id
    if role == members.MANAGER:
        # Also a key: it never sees more than whoever made it does today.
        member = replace(member, within=await _department(services, of))
    named = credentials.header("X-Organization-ID")
    if named is not None and named.lower() != str(member.party_id):
        raise Missing("organization")
    return member


def _scope(services: Services, credentials: Credentials, realm: str) -> str | None:
    """What a token is for, if it is not for everything."""
    scope = services.tokens.read(credentials.bearer or "", realm).extra.get("scope")
    return None if scope is None else str(scope)


async def _department(services: Services, membership_id: UUID | None) -> UUID:
    """A manager's own department; who leads none sees nothing rather than everything."""
    async with services.read() as conn:
        return await members.department_of(conn, membership_id) or NO_DEPARTMENT


async def erp(services: Services, credentials: Credentials) -> Member:
    """Somebody of the ERP's staff."""
    return await _member(services, credentials, "erp")


async def integration(services: Services, credentials: Credentials) -> Member:
    """An integration by its credentials, the account that manages one, or staff."""
    if credentials.bearer is None or _is_of_client(credentials.bearer):
        return await client(services, credentials)
    realm = services.tokens.realm_of(credentials.bearer)
    if realm not in ("integration", "admin"):
        raise NotSignedIn
    return await _member(services, credentials, realm)


def is_client(credentials: Credentials) -> bool:
    """Whether a request carries what an integration calls with; what it is worth is not asked here."""
    if credentials.bearer is not None:
        return _is_of_client(credentials.bearer)
    key = credentials.header("x-client-id") or credentials.header("X-API-Key")
    return key is not None and not key.startswith(api_keys.ORGANISATION_PREFIX)


async def client(services: Services, credentials: Credentials) -> Member:
    """An active integration: by its key pair (x-client-id, or X-API-Key as a second name), or the token that it got
    for one. Raises NotSignedIn, NotActive, WrongAddress.
    """
    if (token := credentials.bearer) is not None:
        holder = await integration_access.holder_of(services, token, credentials.ip)
    else:
        key = credentials.header("x-client-id") or credentials.header("X-API-Key")
        secret = credentials.header("x-client-secret") or credentials.header("X-API-Secret")
        if key is None:
            raise NotSignedIn
        holder = await integration_access.check(services, key, secret or "", credentials.ip)
    await integration_usage.admit(services, holder.party_id)
    return Member("integration", "key", holder.party_id, holder.grants, key_id=holder.key_id, origin=credentials.origin)


def _is_of_client(token: str) -> bool:
    return Tokens.says(token, integration_access.TOKEN_REALM)


async def provider(services: Services, credentials: Credentials) -> TeamMember:
    """A member of a provider's team. Raises NotSignedIn, also when there is no such provider any more."""
    member = await _member(services, credentials, "provider")
    async with services.read() as conn:
        found = await provider_rows.get(conn, id=member.party_id)
    if found is None:
        raise SignedOut
    assert member.account_id and member.membership_id and member.session_id, "a team consists of people"
    return TeamMember(
        found, member.role, member.grants, member.account_id, member.membership_id, member.session_id, member.origin
    )


async def provider_of(services: Services, session_id: UUID, conn: Conn) -> TeamMember:
    """Who a sign-in is to a provider at this moment, for what lives longer than a request. Raises SignedOut."""
    seen = await services.sessions.standing.of(session_id, "provider")
    row = seen.row if seen is not None else None
    found = await provider_rows.get(conn, id=row.party_id) if row is not None and row.role is not None else None
    if row is None or row.role is None or found is None:
        raise SignedOut
    assert row.account_id and row.membership_id, "a team consists of people"
    grants = grants_of("provider", row.role, row.permissions or {})
    return TeamMember(found, row.role, grants, row.account_id, row.membership_id, session_id)


async def _member(services: Services, credentials: Credentials, realm: str) -> Member:
    _, session_id, seen = await _signed_in(services, credentials, realm)
    row = seen.row
    if row is None or row.role is None:
        raise SignedOut
    grants = grants_of(realm, row.role, row.permissions or {})
    return Member(
        realm, row.role, row.party_id, grants, row.account_id, row.membership_id, session_id, origin=credentials.origin
    )


def permits(caller: Any, permission: str) -> bool:
    """Whether a caller with a role has a permission; OWN is what everybody has for themselves."""
    return permission == OWN or caller.grants.allow(permission)


async def service(services: Services, credentials: Credentials) -> Service:
    """A minted service token, or the fixed one of the settings."""
    if (token := credentials.bearer) is None:
        raise NotSignedIn
    fixed = services.settings.tokens.service_token
    if fixed is not None and hmac.compare_digest(token.encode(), fixed.get_secret_value().encode()):
        return Service("configured", credentials.origin)
    claims = services.tokens.read(token, "service")
    if claims.session_id is None or await services.sessions.standing.of(claims.session_id, "service") is None:
        raise SignedOut
    return Service(claims.subject, credentials.origin)
