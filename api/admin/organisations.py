"""Organisations as staff see them: verified, placed in a tier, looked after; what was granted them beside it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import Admin, admin
from api.shared.objects import FactData
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, View
from api.wire.results import Page, Reply
from dispatch.engine import audit
from dispatch.parties import onboarding, organisation_desk, organisations
from dispatch.parties.organisation_desk import NewOwner
from dispatch.services import Services, Tx
from storage.organisations import Manager, Organisation

OrgType = Literal["business", "lgu", "school", "ngo"]
Status = Literal["pending_verification", "active", "suspended", "rejected"]
Tier = Literal["starter", "professional", "enterprise", "government_education"]
StepName = Literal["document_verification", "contract_signing", "payment_setup", "user_enrollment"]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
ORGANISATIONS = Grammar(
    key="organisations", source=organisation_desk.LIST,
    filters={"status": Status, "tier": Tier, "type": OrgType, "account_manager": UUID},
)  # fmt: skip
TAGS = ("organisations",)


class VerifyIn(Body):
    note: Reason | None = None


class StatusIn(Body):
    status: Literal["active", "suspended", "rejected"]
    reason: Reason


class TierIn(Body):
    tier: Tier


class ManagerIn(Body):
    """Somebody of the staff; null takes the organisation from whoever has it."""

    keeps_null = frozenset({"account_id"})

    account_id: UUID | None


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class OwnerIn(Body):
    first_name: Name
    last_name: Name | None = None
    email: EmailStr


class OwnerOut(View):
    """`status`: `pending` until they have used their link."""

    name: str
    email: str | None
    status: str


class TermsIn(Body):
    """What is granted beside the tier; null takes days of payment of one's own away."""

    keeps_null = frozenset({"payment_terms_days"})

    volume_discount_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    payment_terms_days: Annotated[int, Field(ge=0, le=120)] | None = None


class StepOut(View):
    """`data` is what was sent: documents, who signed."""

    step: str
    status: str
    data: FactData
    completed_at: datetime | None


class ManagerOut(View):
    id: UUID
    name: str | None
    email: str | None


class OrganisationOut(View):
    id: UUID
    code: str
    name: str
    legal_name: str | None
    type: str
    status: str
    status_reason: str | None
    tier: str
    members: int
    member_limit: int | None
    registration_number: str | None
    tax_id: str | None
    registered_email: str
    account_manager_id: UUID | None
    member_since: date | None
    volume_discount_percent: float
    payment_terms_days: int | None
    timezone: str | None
    currency: str | None
    created_at: datetime


class WholeOut(OrganisationOut):
    account_manager: ManagerOut | None
    contacts: FactData
    address: FactData | None
    program: FactData
    onboarding: list[StepOut]
    onboarding_progress: int


@admin.route("GET", "/organisations", permission="organisations:read", listing=ORGANISATIONS, tags=TAGS)
async def page(services: Services, caller: Admin, listing: Listing) -> Page[OrganisationOut]:
    """Every organisation, the newest first."""
    async with services.read() as conn:
        return Page.of(await organisation_desk.page(conn, listing.wanted), organisation_out)


@admin.route("GET", "/organisations/{id}", permission="organisations:read", tags=TAGS)
async def get(services: Services, caller: Admin, id: UUID) -> WholeOut:
    """One organisation, with what it sent on its way in."""
    async with services.read() as conn:
        found = await organisations.get(conn, id)
        manager = await organisations.manager_of(conn, found)
        progress = await onboarding.progress(conn, id)
    return _whole(found, manager, progress)


@admin.route("POST", "/organisations/{id}/verify", permission="organisations:write", tags=TAGS)
async def verify(services: Services, caller: Admin, id: UUID, body: VerifyIn | None = None) -> Reply[WholeOut]:
    """Its documents are in order: it may book from now on, and is told so."""
    async with services.transaction() as tx:
        await organisation_desk.verify(tx, id, caller.actor, body.note if body else None)
    return Reply(await get(services, caller, id), message="The organisation is verified.")


@admin.route("PATCH", "/organisations/{id}/status", permission="organisations:write", tags=TAGS)
async def set_status(services: Services, caller: Admin, id: UUID, body: StatusIn) -> WholeOut:
    """Suspend it, reject it, or let it book again; it is told, and why.

    Example: {"status": "suspended", "reason": "Invoices are overdue"}
    """
    async with services.transaction() as tx:
        await organisation_desk.set_status(tx, id, body.status, body.reason, caller.actor)
    return await get(services, caller, id)


@admin.route("PATCH", "/organisations/{id}/tier", permission="organisations:write", tags=TAGS)
async def set_tier(services: Services, caller: Admin, id: UUID, body: TierIn) -> WholeOut:
    """Another tier, where it has room for all members.

    Example: {"tier": "enterprise"}
    """
    async with services.transaction() as tx:
        before = await organisations.lock(tx, id)
        await organisations.set_tier(tx, id, body.tier)
        await _audit(tx, caller, "tier", id, tier=(before.tier, body.tier))
    return await get(services, caller, id)


@admin.route("PATCH", "/organisations/{id}/account-manager", permission="organisations:write", tags=TAGS)
async def set_manager(services: Services, caller: Admin, id: UUID, body: ManagerIn) -> WholeOut:
    """Who looks after it.

    Example: {"account_id": "11111111-1111-4111-8111-111111111111"}
    """
    async with services.transaction() as tx:
        before = await organisation_desk.set_account_manager(tx, id, body.account_id)
        await _audit(tx, caller, "account_manager", id, account_manager=(before, body.account_id))
    return await get(services, caller, id)


@admin.route("PUT", "/organisations/{id}/owner", permission="organisations:write", tags=TAGS)
async def name_owner(services: Services, caller: Admin, id: UUID, body: OwnerIn) -> Reply[OwnerOut]:
    """Name whom the organisation belongs to: when its owner has left it, or was registered under a wrong address.

    One of its members owns it at once; somebody else is enrolled and gets a link by e-mail. Who owned it goes on as an
    administrator and is told; the owner of now gets another link where they have no password yet.

    Example: {"first_name": "Maria", "last_name": "Santos", "email": "maria@example.com"}
    """
    new = NewOwner(body.first_name, body.last_name or "", body.email.lower())
    owner = await services.retrying(lambda tx: organisation_desk.name_owner(tx, id, new, caller.actor))
    out = OwnerOut(name=f"{owner.first_name} {owner.last_name}".strip(), email=owner.email, status=owner.status)
    if owner.status == "pending":
        return Reply(out, message="They have a link; the organisation is theirs as soon as they use it.")
    return Reply(out, message="The organisation is theirs.")


@admin.route("PATCH", "/organisations/{id}/terms", permission="organisations:write", tags=TAGS)
async def set_terms(services: Services, caller: Admin, id: UUID, body: TermsIn) -> WholeOut:
    """A volume discount and days of payment of its own, where its tier has them.

    Example: {"volume_discount_percent": 10, "payment_terms_days": 60}
    """
    changes = body.model_dump(exclude_unset=True)
    async with services.transaction() as tx:
        before = await organisation_desk.set_terms(tx, id, changes)
        told = {"volume_discount_percent": before.volume_discount_pct, "payment_terms_days": before.payment_terms_days}
        await _audit(tx, caller, "terms", id, **{name: (told[name], new) for name, new in changes.items()})
    return await get(services, caller, id)


@admin.route("POST", "/organisations/{id}/onboarding/{step}/reopen", permission="organisations:write", tags=TAGS)
async def reopen(services: Services, caller: Admin, id: UUID, step: StepName) -> WholeOut:
    """Ask for a step once more: a document could not be read, say."""
    async with services.transaction() as tx:
        await organisations.lock(tx, id)
        if await onboarding.reopen(tx, id, step):
            await _audit(tx, caller, "onboarding_reopen", id, step=(None, step))
    return await get(services, caller, id)


async def _audit(tx: Tx, caller: Admin, what: str, id: UUID, **changes: tuple[Any, Any]) -> None:
    told = {
        name: {"old": None if old is None else str(old), "new": None if new is None else str(new)}
        for name, (old, new) in changes.items()
    }
    await audit.record(tx, caller.actor, f"organisation.{what}", "organisation", id, told)


def organisation_out(o: Organisation) -> OrganisationOut:
    return OrganisationOut(**_fields(o))


def _whole(o: Organisation, manager: Manager | None, progress: onboarding.Progress) -> WholeOut:
    return WholeOut(
        **_fields(o),
        account_manager=None if manager is None else ManagerOut(id=manager.id, name=manager.name, email=manager.email),
        contacts=o.contacts, address=o.address, program=o.program, onboarding_progress=progress.percent,
        onboarding=[
            StepOut(step=s.step, status=s.status, data=s.data, completed_at=s.completed_at) for s in progress.steps
        ],
    )  # fmt: skip


def _fields(o: Organisation) -> dict[str, Any]:
    return {
        "id": o.id, "code": o.code, "name": o.name, "legal_name": o.legal_name, "type": o.org_type, "status": o.status,
        "status_reason": o.status_reason, "tier": o.tier, "members": o.member_count, "member_limit": o.member_limit,
        "registration_number": o.registration_no, "tax_id": o.tax_id, "registered_email": o.registered_email,
        "account_manager_id": o.account_manager_id, "member_since": o.member_since,
        "volume_discount_percent": float(o.volume_discount_pct), "payment_terms_days": o.payment_terms_days,
        "timezone": o.timezone, "currency": o.currency, "created_at": o.created_at,
    }  # fmt: skip
