"""Who calls: one type per audience, and how a bearer token becomes one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from uuid import UUID

from dispatch.errors import NotSignedIn
from dispatch.events import Actor
from dispatch.services import Services
from dispatch.tokens import Claims
from storage import accounts as account_rows


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


async def _signed_in(services: Services, token: str, realm: str) -> tuple[UUID, UUID, Claims]:
    """(subject, session) of a token whose sign-in still lives. Raises NotSignedIn and its kinds."""
    claims = services.tokens.read(token, realm)
    if claims.session_id is None:
        raise NotSignedIn
    try:
        subject_id = UUID(claims.subject)
    except ValueError as error:
        raise NotSignedIn from error
    if not await services.sessions.alive(claims.session_id, realm):
        raise SignedOut
    return subject_id, claims.session_id, claims


async def customer(services: Services, token: str) -> Customer:
    subject_id, session_id, _ = await _signed_in(services, token, "customer")
    return Customer(subject_id, session_id)


async def technician(services: Services, token: str) -> Technician:
    subject_id, session_id, _ = await _signed_in(services, token, "technician")
    return Technician(subject_id, session_id)


async def admin(services: Services, token: str) -> Admin:
    """The role is read anew for each request: a demotion acts at once."""
    subject_id, session_id, _ = await _signed_in(services, token, "admin")
    async with services.read() as conn:
        tie = await account_rows.membership(conn, account_id=subject_id, realm="admin")
    if tie is None or tie.status != "active":
        raise SignedOut
    return Admin(subject_id, session_id, tie.role)


async def service(services: Services, token: str) -> Service:
    """A minted service token, or the fixed one of the settings."""
    fixed = services.settings.tokens.service_token
    if fixed is not None and hmac.compare_digest(token.encode(), fixed.get_secret_value().encode()):
        return Service("configured")
    return Service(services.tokens.read(token, "service").subject)
