"""Integrations as staff and their managing accounts see and change them."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from api.audiences import Member, integration
from api.integration import callers
from api.integration.views import (
    BusinessInfoIn,
    Name,
    NoteOut,
    PartnerDetail,
    PartnerOut,
    PartnerType,
    PhoneNumber,
    Status,
    document_out,
    note_out,
    partner_of,
)
from api.wire.listing import DAYS, Grammar, Listing, Once
from api.wire.models import CamelBody, CamelView
from api.wire.results import Message, Page, Reply
from dispatch.access.permissions import OWN, RESOURCES, Level
from dispatch.parties import integration_access, integration_onboarding, integrations
from dispatch.parties.integrations import NewIntegration, PartnerNotFound
from dispatch.services import Services

TAGS = ("partners",)
READ, WRITE = "integrations:read", "integrations:write"
Slug = Annotated[str, StringConstraints(strip_whitespace=True, max_length=50, pattern=r"^[a-z0-9-]+$")]
Tags = Annotated[
    list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]], Field(max_length=20)
]


class NewPartnerIn(CamelBody):
    name: Name
    email: EmailStr
    phone_number: PhoneNumber
    partner_type: PartnerType = "technology"
    business_info: BusinessInfoIn | None = None
    slug: Slug | None = None


class ChangeIn(CamelBody):
    """What is left out stays."""

    name: Name | None = None
    email: EmailStr | None = None
    phone_number: PhoneNumber | None = None
    partner_type: PartnerType | None = None
    business_info: BusinessInfoIn | None = None
    status: Status | None = None
    tags: Tags | None = None

    def changes(self) -> dict[str, Any]:
        changes = self.model_dump(by_alias=False, exclude_unset=True, exclude={"business_info"})
        if "phone_number" in changes:
            changes["phone"] = changes.pop("phone_number")
        if self.business_info is not None:
            changes["business_info"] = self.business_info.stored()
        return changes


class NoteIn(CamelBody):
    content: Annotated[str, Field(max_length=1000)] | None = None


def _networks(values: list[str]) -> list[str]:
    try:
        return [str(ipaddress.ip_network(value.strip(), strict=False)) for value in values]
    except ValueError as error:
        raise ValueError("must be addresses or ranges such as 203.0.113.0/24") from error


def _scopes(values: dict[str, Level]) -> dict[str, Level]:
    if unknown := sorted(values.keys() - RESOURCES["integration"]):
        raise ValueError(f"must be among {', '.join(sorted(RESOURCES['integration']))}; '{unknown[0][:50]}' is none")
    return values


class RestrictIn(CamelBody):
    """What the credentials may do and from where; an empty list of ranges is everywhere."""

    scopes: Annotated[dict[str, Level], AfterValidator(_scopes)] | None = None
    ip_ranges: Annotated[list[str], Field(max_length=50), AfterValidator(_networks)] | None = None


class PublicBusiness(CamelView):
    company_name: str | None
    website: str | None
    industry: str | None
    description: str | None


class PublicPartner(CamelView):
    """What everybody may see of an active partner."""

    id: UUID
    name: str
    slug: str
    business_info: PublicBusiness


class RotatedOut(CamelView):
    """The secret is shown this once; the one before works until `previousValidUntil`."""

    client_id: str
    client_secret: str
    previous_valid_until: str


LIST = Grammar(
    key="partners", source=integrations.LIST,
    filters={"status": Status, "onboardingCompleted": Once(bool), "partnerType": PartnerType, "tag": str, **DAYS},
    names={"onboardingCompleted": "onboarding_completed", "partnerType": "partner_type"},
    sorts={
        "createdAt": "created_at", "updatedAt": "updated_at", "name": "name", "status": "status",
        "lastRequestAt": "last_request_at",
    },
)  # fmt: skip


@integration.route("GET", "/slug/{slug}", public=True, tags=TAGS)
async def by_slug(services: Services, slug: str) -> PublicPartner:
    """An active partner by its slug, as everybody may see it."""
    async with services.read() as conn:
        row = await integrations.active_by_slug(conn, slug)
    info = row.business_info
    shown = PublicBusiness(
        company_name=info.get("companyName"), website=info.get("website"), industry=info.get("industry"),
        description=info.get("description"),
    )  # fmt: skip
    return PublicPartner(id=row.id, name=row.name, slug=row.slug, business_info=shown)


@integration.route("GET", "/manage/{manage_id}", permission=OWN, tags=TAGS)
async def managed(services: Services, caller: Member, manage_id: UUID) -> list[PartnerOut]:
    """The partners that an account manages: one's own; staff may see anybody's."""
    if caller.account_id != manage_id and not (caller.realm == "admin" and caller.grants.allow(READ)):
        raise PartnerNotFound
    async with services.read() as conn:
        return [PartnerOut(**partner_of(row)) for row in await integrations.managed_by(conn, manage_id)]


@integration.route("GET", "/", permission=READ, listing=LIST, tags=TAGS)
async def list_partners(services: Services, caller: Member, listing: Listing) -> Page[PartnerOut]:
    """All partners, the newest first."""
    async with services.read() as conn:
        found = await integrations.page(conn, listing.wanted)
    return Page.of(found, lambda row: PartnerOut(**partner_of(row)))


@integration.route("POST", "/", status=201, permission=WRITE, tags=TAGS)
async def create(services: Services, caller: Member, body: NewPartnerIn) -> PartnerDetail:
    """Makes a partner; its managing account gets a link.

    Example: {"name": "Acme Homes", "email": "dev@acme.example", "phoneNumber": "+911234567890"}
    """
    info = body.business_info.stored() if body.business_info else {}
    new = NewIntegration(body.name, body.email, body.phone_number, body.partner_type, info, body.slug)
    async with services.transaction() as tx:
        made = await integrations.make(tx, new, caller.actor)
    return await detail(services, caller, made.id)


@callers.route("GET", "/{id}", "profile:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> PartnerDetail:
    """One partner."""
    return await detail(services, caller, id)


@integration.route("PUT", "/{id}", permission=WRITE, tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, body: ChangeIn) -> PartnerDetail:
    """Changes what is sent; a status moves along its table only.

    Example: {"name": "Acme Homes", "tags": ["pilot"]}
    """
    async with services.transaction() as tx:
        await integrations.change(tx, id, body.changes(), caller.actor)
    return await detail(services, caller, id)


@integration.route("DELETE", "/{id}", permission=WRITE, tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID) -> Message:
    """Deletes a partner; its credentials stop at once."""
    async with services.transaction() as tx:
        await integrations.delete(tx, id, caller.actor)
    return Message("The partner was deleted and its credentials were revoked.")


@integration.route("POST", "/{id}/notes", idempotency="optional", status=201, permission=WRITE, tags=TAGS)
async def add_note(services: Services, caller: Member, id: UUID, body: NoteIn) -> NoteOut:
    """A note of the house's own.

    Example: {"content": "Called back; wants a higher limit."}
    """
    async with services.transaction() as tx:
        return note_out(await integrations.add_note(tx, id, body.content, caller.account_id, caller.actor))


@callers.route("POST", "/{id}/credentials/rotate", "credentials:write", tags=("credentials",))
async def rotate(services: Services, caller: Member, id: UUID) -> Reply[RotatedOut]:
    """A new secret, shown this once; the old one works 24 hours more."""
    async with services.transaction() as tx:
        made = await integration_access.rotate(tx, id, caller.actor)
    until = integration.dialect.write_time(made.previous_until)
    out = RotatedOut(client_id=made.client_id, client_secret=made.secret, previous_valid_until=until)
    return Reply(out, "Keep the secret: it is shown this once.")


@integration.route("PUT", "/{id}/credentials", permission=WRITE, tags=("credentials",))
async def restrict(services: Services, caller: Member, id: UUID, body: RestrictIn) -> Message:
    """What the credentials may do, and from which addresses.

    Example: {"scopes": {"bookings": "write", "services": "read"}, "ipRanges": ["203.0.113.0/24"]}
    """
    async with services.transaction() as tx:
        await integration_access.restrict(tx, id, caller.actor, scopes=body.scopes, ip_allow=body.ip_ranges)
    return Message("The credentials were changed.")


async def detail(services: Services, caller: Member, id: UUID) -> PartnerDetail:
    async with services.read() as conn:
        row, documents = await integration_onboarding.shown(conn, id)
        notes = await integrations.notes(conn, id) if caller.realm == "admin" else []
    return PartnerDetail(
        **partner_of(row), verification_documents=[document_out(id, d) for d in documents],
        notes=[note_out(n) for n in notes],
    )  # fmt: skip
