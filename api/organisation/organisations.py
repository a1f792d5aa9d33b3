"""An organisation: registering it, its profile, and how it stands today."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.edge.request_info import RequestInfo
from api.organisation.fields import (
    AddressIn,
    Email,
    ManagerOut,
    Name,
    PersonIn,
    Phone,
    ServiceNames,
    Url,
    Word,
    Words,
    organisation_of,
    phone_of,
    whole_organisation,
)
from api.organisation.onboarding import StepOut, steps_out
from api.wire.models import CamelBody, CamelView, Currency, Money
from api.wire.results import Reply, ReplyWith
from dispatch.engine import audit
from dispatch.errors import Invalid
from dispatch.localtime import zone
from dispatch.parties import onboarding, organisations, overviews, tiers
from dispatch.parties.organisations import ONBOARDING_S, Registration
from dispatch.services import Services
from storage.organisations import Manager, Organisation

OrgType = Literal["business", "lgu", "school", "ngo"]


class OrganisationIn(CamelBody):
    name: Name
    legal_name: Name | None = None
    registration_number: Word | None = None
    tax_id: Word | None = None
    industry: Word | None = None
    size: Word | None = None
    website: Url | None = None


class ContactsIn(CamelBody):
    primary_contact: PersonIn
    billing_contact: PersonIn | None = None


class ProgramBudgetIn(CamelBody):
    monthly: Annotated[Money, Field(ge=0)] | None = None
    currency: Currency | None = None


class WantedProgramIn(CamelBody):
    """What the organisation has in mind."""

    type: Word | None = None
    expected_users: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    estimated_monthly_bookings: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    services: ServiceNames | None = None
    budget: ProgramBudgetIn | None = None


class RegisterIn(CamelBody):
    organization_type: OrgType
    organization_info: OrganisationIn
    contact_info: ContactsIn
    address: AddressIn | None = None
    program: WantedProgramIn | None = None


class RegisteredPartnerOut(CamelView):
    id: UUID
    organization_id: UUID
    organization_name: str
    organization_type: str
    status: str
    tier: str
    account_manager: ManagerOut | None
    onboarding_steps: list[StepOut]
    created_at: datetime


class RegisteredOut(CamelView):
    """`token` opens the onboarding only, for `expiresIn` seconds; the password comes by the link that was sent."""

    partner: RegisteredPartnerOut
    token: str
    expires_in: int


class TokenOut(CamelView):
    token: str


class InfoOut(CamelView):
    name: str
    legal_name: str | None
    type: str
    industry: str | None
    size: str | None
    logo: str | None
    website: str | None
    description: str | None
    registration_number: str | None
    tax_id: str | None


class SubscriptionOut(CamelView):
    """`users` is how many the plan has room for, null without a bound."""

    plan: str
    users: int | None
    bookings_per_month: int | None
    features: list[str]


class StatsOut(CamelView):
    total_users: int
    active_users: int
    total_bookings: int
    this_month_bookings: int
    total_spent: Money
    average_rating: float | None


class PersonOut(CamelView):
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    email: str | None = None
    phone_number: str | None = None


class ContactsOut(CamelView):
    primary_contact: PersonOut | None
    billing_contact: PersonOut | None


class PlaceOut(CamelView):
    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip_code: str | None = None
    country: str | None = None


class PartnerOut(CamelView):
    id: UUID
    organization_id: UUID
    organization_info: InfoOut
    contact_info: ContactsOut
    address: PlaceOut | None
    timezone: str
    currency: str
    status: str
    tier: str
    member_since: date | None
    account_manager: ManagerOut | None
    subscription: SubscriptionOut
    stats: StatsOut


class ProfileOut(CamelView):
    partner: PartnerOut


class InfoChange(CamelBody):
    name: Name | None = None
    legal_name: Name | None = None
    registration_number: Word | None = None
    tax_id: Word | None = None
    industry: Word | None = None
    size: Word | None = None
    website: Url | None = None
    description: Words | None = None
    logo: Url | None = None
    timezone: Word | None = None


class PersonChange(CamelBody):
    first_name: Word | None = None
    last_name: Word | None = None
    position: Word | None = None
    email: Email | None = None
    phone_number: Phone | None = None


class ContactsChange(CamelBody):
    primary_contact: PersonChange | None = None
    billing_contact: PersonChange | None = None


class ProfileChange(CamelBody):
    organization_info: InfoChange | None = None
    contact_info: ContactsChange | None = None
    address: AddressIn | None = None


@organisation.route("POST", "/register", status=201, public=True, body_limit=32 * 1024, tags=["organisations"])
async def register(
    services: Services, body: RegisterIn, request_info: RequestInfo
) -> ReplyWith[RegisteredOut, TokenOut]:
    """Register an organisation. A link that sets the password goes to the primary contact, who owns it.

    Example: {"organizationType": "business", "organizationInfo": {"name": "ABC Corporation"}, "contactInfo":
    {"primaryContact": {"firstName": "John", "lastName": "Doe", "email": "john@example.com"}}}
    """
    new = _registration(services, body)
    async with services.transaction() as tx:
        made = await organisations.register(tx, new, ip=request_info.ip, user_agent=request_info.user_agent)
        manager = await organisations.manager_of(tx.conn, made.organisation)
        progress = await onboarding.progress(tx.conn, made.organisation.id)
    found = made.organisation
    partner = RegisteredPartnerOut(
        id=found.id, organization_id=found.id, organization_name=found.name, organization_type=found.org_type,
        status=found.status, tier=found.tier, account_manager=manager_out(manager),
        onboarding_steps=steps_out(progress), created_at=found.created_at,
    )  # fmt: skip
    out = RegisteredOut(partner=partner, token=made.token, expires_in=ONBOARDING_S)
    return ReplyWith(out, "Partner registration submitted successfully", extra=TokenOut(token=made.token))


@organisation.route("GET", "/profile", permission="organization:read", tags=["organisations"])
async def get_profile(services: Services, caller: Member) -> ProfileOut:
    """The organisation that I belong to; a manager sees their department's figures."""
    async with services.read() as conn:
        found = await organisations.get(conn, organisation_of(caller))
        manager = await organisations.manager_of(conn, found)
        sums = await overviews.sums(conn, found, services.clock.now(), caller.within)
    return ProfileOut(partner=_partner(found, manager, sums))


@organisation.route("PUT", "/organization/profile", permission="organization:write", tags=["organisations"])
async def change_profile(services: Services, caller: Member, body: ProfileChange) -> Reply[ProfileOut]:
    """Change what is sent and leave the rest, also within a contact.

    Example: {"organizationInfo": {"name": "ABC Corporation Ltd."}, "contactInfo": {"primaryContact": {"email":
    "new@example.com"}}}
    """
    changes, contacts = _changes(services, body)
    organisation_id = whole_organisation(caller)
    async with services.transaction() as tx:
        before = await organisations.lock(tx, organisation_id)
        await organisations.change(tx, organisation_id, changes, contacts)
        after = await organisations.get(tx.conn, organisation_id)
        await audit.changed(tx, caller.actor, "organisation.profile", "organisation", organisation_id, before, after)
    return Reply(await get_profile(services, caller), message="Organization profile updated")


def manager_out(manager: Manager | None) -> ManagerOut | None:
    return None if manager is None else ManagerOut(name=manager.name, email=manager.email, phone=manager.phone)


def _registration(services: Services, body: RegisterIn) -> Registration:
    info, primary, program = body.organization_info, body.contact_info.primary_contact, body.program
    billing = body.contact_info.billing_contact
    phone = phone_of(services, primary.phone_number, "contactInfo.primaryContact.phoneNumber")
    contacts: dict[str, Any] = {"primary": {**primary.model_dump(exclude_none=True, by_alias=False)}}
    if phone is not None:
        contacts["primary"]["phone_number"] = phone
    if billing is not None:
        contacts["billing"] = billing.model_dump(exclude_none=True, by_alias=False)
        if billing.phone_number is not None:
            contacts["billing"]["phone_number"] = phone_of(
                services, billing.phone_number, "contactInfo.billingContact.phoneNumber"
            )
    budget = program.budget if program else None
    return Registration(
        org_type=body.organization_type, name=info.name, first_name=primary.first_name,
        last_name=primary.last_name or "", email=primary.email, phone=phone, legal_name=info.legal_name,
        registration_no=info.registration_number, tax_id=info.tax_id, industry=info.industry, size=info.size,
        website=info.website, contacts=contacts,
        address=body.address.model_dump(exclude_none=True, by_alias=False) if body.address else None,
        program=program.model_dump(exclude_none=True, by_alias=False) if program else {},
        expected_users=program.expected_users if program else None, currency=budget.currency if budget else None,
        budget_minor=budget.monthly if budget else None,
    )  # fmt: skip


#: Fields of the profile whose names are others inside.
_NAMES = {"registration_number": "registration_no", "logo": "logo_url"}


def _changes(services: Services, body: ProfileChange) -> tuple[dict[str, Any], dict[str, Any]]:
    sent = body.organization_info.model_dump(exclude_unset=True, by_alias=False) if body.organization_info else {}
    changes = {_NAMES.get(name, name): value for name, value in sent.items()}
    if "timezone" in changes:
        try:
            zone(changes["timezone"])
        except ValueError as e:
            raise Invalid({"organizationInfo.timezone": str(e)}) from e
    if body.address is not None:
        changes["address"] = body.address.model_dump(exclude_unset=True, by_alias=False)
    contacts: dict[str, Any] = {}
    for kind in ("primary", "billing"):
        part = getattr(body.contact_info, f"{kind}_contact", None)
        if part is None:
            continue
        contacts[kind] = part.model_dump(exclude_unset=True, by_alias=False)
        if part.phone_number is not None:
            field = f"contactInfo.{kind}Contact.phoneNumber"
            contacts[kind]["phone_number"] = phone_of(services, part.phone_number, field)
    return changes, contacts


def _partner(found: Organisation, manager: Manager | None, sums: overviews.Sums) -> PartnerOut:
    plan, features = tiers.plan_of(found.tier)
    return PartnerOut(
        id=found.id, organization_id=found.id,
        organization_info=InfoOut(
            name=found.name, legal_name=found.legal_name, type=found.org_type, industry=found.industry,
            size=found.size, logo=found.logo_url, website=found.website, description=found.description,
            registration_number=found.registration_no, tax_id=found.tax_id,
        ),
        contact_info=ContactsOut(
            primary_contact=_person(found.contacts.get("primary")),
            billing_contact=_person(found.contacts.get("billing")),
        ),
        address=PlaceOut(**found.address) if found.address else None, timezone=organisations.timezone_of(found),
        currency=organisations.currency_of(found), status=found.status, tier=found.tier,
        member_since=found.member_since, account_manager=manager_out(manager),
        subscription=SubscriptionOut(
            plan=plan, users=found.member_limit,
            bookings_per_month=found.program.get("estimated_monthly_bookings"), features=list(features),
        ),
        stats=StatsOut(
            total_users=sums.users.total, active_users=sums.users.active, total_bookings=sums.bookings.total,
            this_month_bookings=sums.bookings.this_month, total_spent=sums.bookings.spent_minor,
            average_rating=sums.bookings.rating,
        ),
    )  # fmt: skip


def _person(kept: dict[str, Any] | None) -> PersonOut | None:
    return None if kept is None else PersonOut(**kept)
