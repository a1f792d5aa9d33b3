"""Who calls: one type per audience, and how a bearer token becomes one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from uuid import UUID

from api.edge.credentials import Credentials
from dispatch.errors import NotSignedIn
from dispatch.events import Actor
from dispatch.live.standing import Seen
from dispatch.services import Services


class SignedOut(NotSignedIn):
    """You are signed out: sign in again."""

    code = "unauthorized"


@dataclass(frozen=True, slots=True)
class Customer:
    """An account that books for itself."""

    account_id: UUID
    session_id: UUID

    @property
    def key(self) -> str:
        """How counters and idempotency keys name this caller."""
        return f"customer:{self.account_id}"

    @property
    def actor(self) -> Actor:
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

    @property
    def key(self) -> str:
        return f"admin:{self.account_id}"

    @property
    def actor(self) -> Actor:
        return Actor("admin", str(self.account_id))


@dataclass(frozen=True, slots=True)
class Service:
    """Another server of the house, by name."""

    name: str

    @property
    def key(self) -> str:
        return f"service:{self.name}"

    @property
    def actor(self) -> Actor:
        return Actor("service", self.name)


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
    subject_id, session_id, seen = await _signed_in(services, credentials, "admin")
    if seen.role is None:
        raise SignedOut
    return Admin(subject_id, session_id, seen.role)


async def service(services: Services, credentials: Credentials) -> Service:
    """A minted service token, or the fixed one of the settings."""
    if (token := credentials.bearer) is None:
        raise NotSignedIn
    fixed = services.settings.tokens.service_token
    if fixed is not None and hmac.compare_digest(token.encode(), fixed.get_secret_value().encode()):
        return Service("configured")
    return Service(services.tokens.read(token, "service").subject)
