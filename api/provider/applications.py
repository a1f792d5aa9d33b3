"""Becoming a provider: the public form, and staff who decide about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BeforeValidator, EmailStr, Field, StringConstraints

from api.audiences import Admin, provider_desk
from api.edge.limits import CONTACT
from api.provider.fields import Name, as_facility_type, as_time_zone
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView, Currency
from api.wire.results import Message, Page, Reply
from dispatch.parties import provider_applications
from dispatch.parties.providers import NewProvider
from dispatch.services import Services
from storage.provider_applications import Application

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]


class ApplicationIn(CamelBody):
    facility_name: Annotated[Name, Field(validation_alias=AliasChoices("facilityName", "businessName", "name"))]
    facility_type: Annotated[Literal["Facility", "Clinic", "Hospital"], BeforeValidator(as_facility_type)] = "Facility"
    owner_name: Annotated[Name, Field(validation_alias=AliasChoices("ownerName", "contactName", "fullName"))]
    email: EmailStr
    phone: Line | None = None
    country: Line | None = None
    city: Line | None = None
    address: Line | None = None
    postal_code: Line | None = None
    services: Annotated[list[Name], Field(max_length=200)] = []
    description: Long = ""
    currency: Currency | None = None
    timezone: Annotated[str, AfterValidator(as_time_zone)] | None = None


class ReasonIn(CamelBody):
    reason: Long | None = None


class AppliedOut(CamelView):
    id: UUID
    status: str
    created_at: datetime


class ApplicationOut(AppliedOut):
    facility_name: str
    facility_type: str
    owner_name: str
    email: str
    phone: str
    country: str | None
    city: str | None
    address: str | None
    postal_code: str | None
    services: list[str]
    description: str
    currency: str
    timezone: str
    reason: str | None
    provider_id: UUID | None
    decided_at: datetime | None


LIST = Grammar(
    key="applications", source=provider_applications.LIST,
    filters={"status": Literal["pending", "approved", "rejected"]},
)  # fmt: skip
TAGS = ["applications"]


@provider_desk.route("POST", "", public=True, quota=CONTACT, status=201, tags=TAGS)
async def register(services: Services, body: ApplicationIn) -> Reply[AppliedOut]:
    """Apply to become a provider; the answer of staff comes by e-mail.

    Example: {"facilityName": "Asha Clinic", "facilityType": "Clinic", "ownerName": "Asha Bello",
      "email": "asha@example.com", "phone": "+2348012345678", "country": "NG", "city": "Lagos"}
    """
    where = {
        "address": body.address, "city": body.city, "country": body.country, "postal_code": body.postal_code,
    }  # fmt: skip
    new = NewProvider(
        body.facility_name, body.owner_name, body.email, body.phone, body.facility_type, body.description,
        body.services, {key: value for key, value in where.items() if value}, body.currency, body.timezone,
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await provider_applications.apply(tx, new)
    shown = AppliedOut(id=made.id, status=made.status, created_at=made.created_at)
    return Reply(shown, message="Application submitted successfully")


@provider_desk.route("GET", "", permission="providers:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: Admin, listing: Listing) -> Page[ApplicationOut]:
    """Who has applied, newest first."""
    async with services.read() as conn:
        return Page.of(await provider_applications.page(conn, listing.wanted), _out)


@provider_desk.route("GET", "/{application_id}", permission="providers:read", tags=TAGS)
async def get(services: Services, caller: Admin, application_id: UUID) -> ApplicationOut:
    """One application."""
    async with services.read() as conn:
        return _out(await provider_applications.get(conn, application_id))


async def approve(services: Services, caller: Admin, application_id: UUID) -> Reply[ApplicationOut]:
    """Make a provider of an application; its owner gets a link by e-mail."""
    async with services.transaction() as tx:
        found = await provider_applications.approve(tx, application_id, caller.actor)
    return Reply(_out(found), message="Application approved successfully")


async def reject(
    services: Services,
    caller: Admin,
    application_id: UUID,
    body: ReasonIn = ReasonIn(),  # noqa: B008
) -> Reply[ApplicationOut]:
    """Say no to an application; the reason goes out by e-mail.

    Example: {"reason": "The papers are missing"}
    """
    async with services.transaction() as tx:
        found = await provider_applications.reject(tx, application_id, body.reason, caller.actor)
    return Reply(_out(found), message="Application rejected successfully")


for _method in ("POST", "PATCH"):
    provider_desk.route(_method, "/{application_id}/approve", permission="providers:write", tags=TAGS)(approve)
    provider_desk.route(_method, "/{application_id}/reject", permission="providers:write", tags=TAGS)(reject)


@provider_desk.route("DELETE", "/{application_id}", permission="providers:write", tags=TAGS)
async def remove(services: Services, caller: Admin, application_id: UUID) -> Message:
    """Take an application off the list, with what was written in it."""
    async with services.transaction() as tx:
        await provider_applications.remove(tx, application_id, caller.actor)
    return Message("Application removed successfully")


def _out(one: Application) -> ApplicationOut:
    where = one.address
    return ApplicationOut(
        id=one.id, status=one.status, created_at=one.created_at, facility_name=one.name,
        facility_type=one.facility_type, owner_name=one.owner_name, email=one.email, phone=one.phone,
        country=where.get("country"), city=where.get("city"), address=where.get("address"),
        postal_code=where.get("postal_code"), services=one.services, description=one.description,
        currency=one.currency, timezone=one.timezone, reason=one.reason, provider_id=one.provider_id,
        decided_at=one.decided_at,
    )  # fmt: skip
