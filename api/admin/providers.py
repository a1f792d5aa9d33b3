"""Providers, as the back office makes them: their owners get a link, and technicians are put into their service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, Currency, View
from api.wire.results import Message, Page, Reply
from dispatch.parties import provider_team, providers
from dispatch.parties.providers import NewProvider
from dispatch.services import Services
from storage.providers import Provider

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]


class ProviderIn(Body):
    name: Name
    owner_name: Name
    owner_email: EmailStr
    phone: Line | None = None
    facility_type: Literal["Facility", "Clinic", "Hospital"] = "Facility"
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)] = ""
    services: Annotated[list[Name], Field(max_length=200)] = []
    city: Line | None = None
    country: Line | None = None
    currency: Currency | None = None
    timezone: Name | None = None


class OwnerIn(Body):
    name: Name
    email: EmailStr


class OwnerOut(View):
    """`status`: `pending` until they have used their link."""

    name: str | None
    email: str | None
    status: str


class ProviderOut(View):
    id: UUID
    code: str
    name: str
    email: str | None
    phone: str | None
    facility_type: str
    currency: str
    timezone: str
    created_at: datetime


LIST = Grammar(key="providers", source=providers.LIST)


@admin.route("GET", "/providers", permission="providers:read", listing=LIST, tags=["providers"])
async def page(services: Services, caller: Admin, listing: Listing) -> Page[ProviderOut]:
    """All providers, newest first."""
    async with services.read() as conn:
        return Page.of(await providers.page(conn, listing.wanted), _out)


@admin.route("POST", "/providers", permission="providers:write", idempotency="optional", status=201, tags=["providers"])
async def create(services: Services, caller: Admin, body: ProviderIn) -> Reply[ProviderOut]:
    """Make a provider; its owner gets a link by e-mail to choose a password.

    Example: {"name": "Asha Clinic", "owner_name": "Asha Bello", "owner_email": "asha@example.com", "currency": "NGN"}
    """
    where = {key: value for key, value in (("city", body.city), ("country", body.country)) if value}
    new = NewProvider(
        body.name, body.owner_name, body.owner_email, body.phone, body.facility_type, body.description, body.services,
        where, body.currency, body.timezone,
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await providers.create_by_staff(tx, new, caller.actor)
    return Reply(_out(made), message="The provider is made; its owner has a link.")


@admin.route("PUT", "/providers/{id}/owner", permission="providers:write", tags=["providers"])
async def name_owner(services: Services, caller: Admin, id: UUID, body: OwnerIn) -> Reply[OwnerOut]:
    """Name whom the provider belongs to: when its owner has gone, sells it, or was asked under a wrong address.

    One of its team owns it at once; somebody else gets a link by e-mail. Who owned it goes on as an Admin and is told.

    Example: {"name": "Asha Bello", "email": "asha@example.com"}
    """
    async with services.transaction() as tx:
        owner = await provider_team.name_owner(tx, id, name=body.name, email=body.email, actor=caller.actor)
    shown = OwnerOut(name=owner.name, email=owner.email, status=owner.status)
    if owner.status == "pending":
        return Reply(shown, message="They have a link; the provider is theirs as soon as they use it.")
    return Reply(shown, message="The provider is theirs.")


@admin.route("PUT", "/providers/{id}/technicians/{technician_id}", permission="providers:write", tags=["providers"])
async def enlist(services: Services, caller: Admin, id: UUID, technician_id: UUID) -> Message:
    """From now on this technician works for the provider: jobs that they accept are paid to it."""
    async with services.transaction() as tx:
        await providers.enlist(tx, technician_id, id, caller.actor)
    return Message("The technician works for the provider.")


@admin.route("DELETE", "/providers/{id}/technicians/{technician_id}", permission="providers:write", tags=["providers"])
async def release(services: Services, caller: Admin, id: UUID, technician_id: UUID) -> Message:
    """From now on this technician works for themselves; jobs that they have accepted are paid as they were."""
    async with services.transaction() as tx:
        await providers.release(tx, technician_id, id, caller.actor)
    return Message("The technician works for themselves.")


def _out(one: Provider) -> ProviderOut:
    return ProviderOut(
        id=one.id, code=one.code, name=one.name, email=one.email, phone=one.phone, facility_type=one.facility_type,
        currency=one.currency, timezone=one.timezone, created_at=one.created_at,
    )  # fmt: skip
