"""Organisations: registered in public, verified by staff, seen by their members only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dispatch import numbers
from dispatch.access import invitations
from dispatch.errors import Conflict, Missing, NotAllowed
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import budgets, onboarding, tiers
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import members as member_rows
from storage import organisations as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn
from storage.organisations import Manager, Organisation

REALM = "organisation"
OWNER = "partner_owner"
#: What the token of a registration may do until its owner has chosen a password.
ONBOARDING_SCOPE = "onboarding"
ONBOARDING_S = 24 * 3600
#: The clocks and the money of a country, where a registration names one; the first is where nothing is known (C10).
PLACES: Mapping[str, tuple[str, str]] = {
    "philippines": ("Asia/Manila", "PHP"), "ph": ("Asia/Manila", "PHP"), "india": ("Asia/Kolkata", "INR"),
    "in": ("Asia/Kolkata", "INR"),
}  # fmt: skip
_DEFAULT_PLACE = ("Asia/Manila", "PHP")
#: The clocks of an organisation that has told nothing of its own.
DEFAULT_TIMEZONE = _DEFAULT_PLACE[0]
_ONCE = {
    "organisations_registered_email": "An organisation was registered with this e-mail address already.",
    "organisations_registration_no": "An organisation with this registration number is registered already.",
}


class AlreadyRegistered(Conflict):
    """This organisation is registered already."""

    code = "conflict"


class NotVerified(NotAllowed):
    """Your organisation is not verified yet: this opens once it is."""

    code = "organization_not_active"


class TierTooSmall(Conflict):
    """There are more members than this tier has room for."""

    code = "tier_too_small"


@dataclass(frozen=True, slots=True)
class Registration:
    """What somebody sends to register; `contacts` holds the primary one and, if any, the one for bills."""

    org_type: str
    name: str
    first_name: str
    last_name: str
    email: str
    phone: str | None
    legal_name: str | None = None
    registration_no: str | None = None
    tax_id: str | None = None
    industry: str | None = None
    size: str | None = None
    website: str | None = None
    address: dict[str, Any] | None = None
    contacts: dict[str, Any] = field(default_factory=dict)
    program: dict[str, Any] = field(default_factory=dict)
    expected_users: int | None = None
    currency: str | None = None
    #: What it means to spend in a month.
    budget_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """`token` opens the onboarding and nothing else, for a day; the password comes by the link that was sent."""

    organisation: Organisation
    member_id: UUID
    token: str


async def register(tx: Tx, new: Registration, *, ip: str | None = None, user_agent: str | None = None) -> Registered:
    """Makes the organisation, its owner and the steps before them; sends the owner a link that sets a password.

    Raises AlreadyRegistered for an address that signs in already, or a registration number that is taken.
    """
    await account_rows.lock_address(tx.conn, email=new.email)
    if await member_rows.is_somebodys(tx.conn, email=new.email):
        raise AlreadyRegistered("Somebody signs in with this e-mail address already: sign in instead.")
    organisation_id = await _insert(tx, new)
    await onboarding.begin(tx, organisation_id)
    account_id = await member_rows.add_account(
        tx.conn, email=new.email, name=f"{new.first_name} {new.last_name}".strip()
    )
    assert account_id is not None, "an insert returns its id"
    member_id = await member_rows.add_membership(
        tx.conn, account_id=account_id, role=OWNER, organisation_id=organisation_id, status="active"
    )
    assert member_id is not None, "a new account is a member of nothing"
    await member_rows.insert(
        tx.conn, id=member_id, organisation_id=organisation_id, department_id=None, first_name=new.first_name,
        last_name=new.last_name, email=new.email, phone=new.phone, employee_no=None, access_level="owner",
        employment_status=None, hired_on=None, segment=None,
    )  # fmt: skip
    await invitations.send_link(tx, account_id, new.email)
    made = await get(tx.conn, organisation_id)
    if new.budget_minor is not None:
        today = local(tx.now, timezone_of(made)).date()
        await budgets.allocate(
            tx, organisation_id, None, today, new.budget_minor, rules=budgets.Rules(), set_by="registration"
        )
    pair = await tx.services.sessions.open(tx, REALM, member_id, ip=ip, user_agent=user_agent)
    token = tx.services.tokens.mint(REALM, str(member_id), pair.session_id, ONBOARDING_S, {"scope": ONBOARDING_SCOPE})
    return Registered(made, member_id, token)


async def get(conn: Conn, organisation_id: UUID | None) -> Organisation:
    """Raises Missing."""
    found = await rows.get(conn, id=organisation_id)
    if found is None:
        raise Missing("organization")
    return found


async def lock(tx: Tx, organisation_id: UUID | None) -> Organisation:
    """The organisation, which nobody else changes until the transaction ends. Raises Missing."""
    found = await rows.lock(tx.conn, id=organisation_id)
    if found is None:
        raise Missing("organization")
    return found


async def active(conn: Conn, organisation_id: UUID | None) -> Organisation:
    """One that may book. Raises Missing, NotVerified (also while it is suspended)."""
    found = await get(conn, organisation_id)
    if found.status == "suspended":
        raise NotVerified("Your organisation is suspended: ask your account manager.")
    if found.status != "active":
        raise NotVerified
    return found


async def manager_of(conn: Conn, organisation: Organisation) -> Manager | None:
    """The member of staff who looks after it, if anybody does."""
    return await rows.manager(conn, account_id=organisation.account_manager_id)


async def require_staff(conn: Conn, account_id: UUID) -> Manager:
    """Somebody of the staff. Raises Missing."""
    found = await rows.manager(conn, account_id=account_id)
    if found is None:
        raise Missing("member of staff")
    return found


def timezone_of(organisation: Organisation) -> str:
    return organisation.timezone or DEFAULT_TIMEZONE


def reached_at(organisation: Organisation) -> str:
    """Where it is written to: its primary contact, else whoever registered it."""
    return (organisation.contacts.get("primary") or {}).get("email") or organisation.registered_email


def billed_at(organisation: Organisation) -> str:
    """Where its bills go that have no recipients of their own: its contact for bills, else where it is written to."""
    return (organisation.contacts.get("billing") or {}).get("email") or reached_at(organisation)


def currency_of(organisation: Organisation) -> str:
    return organisation.currency or _DEFAULT_PLACE[1]


async def change(tx: Tx, organisation_id: UUID | None, changes: Mapping[str, Any], contacts: Mapping[str, Any]) -> None:
    """Sets the named fields and leaves the rest; contacts are merged one by one. Raises Missing, AlreadyRegistered."""
    before = await lock(tx, organisation_id)
    merged = {who: {**before.contacts.get(who, {}), **new} for who, new in contacts.items()}
    known = {**before.contacts, **merged}
    values = {name: changes.get(name, getattr(before, name)) for name in _CHANGEABLE}
    try:
        await rows.change(tx.conn, id=before.id, contacts=known, **values)
    except StorageError as e:
        raise _taken(e) from e
    primary = known.get("primary", {})
    await rows.change_party(
        tx.conn, id=before.id, name=changes.get("name", before.name),
        legal_name=changes.get("legal_name", before.legal_name), email=primary.get("email", before.registered_email),
        phone=primary.get("phone_number"), address={**(before.address or {}), **changes.get("address", {})} or None,
        timezone=changes.get("timezone", before.timezone),
    )  # fmt: skip


_CHANGEABLE = ("industry", "size", "website", "description", "logo_url", "registration_no", "tax_id")


async def set_status(tx: Tx, organisation_id: UUID, status: str, reason: str | None, actor: Actor) -> bool:
    """What staff decide of it. False: it stood so already. Raises Missing, AlreadyRegistered."""
    before = await lock(tx, organisation_id)
    today = local(tx.now, timezone_of(before)).date()
    try:
        done = await rows.set_status(tx.conn, id=before.id, status=status, reason=reason, actor=actor.id, today=today)
    except StorageError as e:
        raise _taken(e) from e
    return done is not None


async def set_tier(tx: Tx, organisation_id: UUID, tier: str) -> None:
    """Raises Missing, and TierTooSmall when more people are members than it has room for."""
    await lock(tx, organisation_id)
    try:
        await rows.set_tier(tx.conn, id=organisation_id, tier=tier)
    except StorageError as e:
        if constraint_of(e) == "organisations_tier_members":
            raise TierTooSmall from e
        raise


async def _insert(tx: Tx, new: Registration) -> UUID:
    country = str((new.address or {}).get("country") or "").strip().lower()
    timezone, currency = PLACES.get(country, _DEFAULT_PLACE)
    code = await numbers.take(tx.conn, "ORG", tx.now.date())
    organisation_id = await rows.insert_party(
        tx.conn, code=code, name=new.name, legal_name=new.legal_name, email=new.email, phone=new.phone,
        address=new.address, timezone=timezone, currency=new.currency or currency,
    )  # fmt: skip
    assert organisation_id is not None, "an insert returns its id"
    try:
        await rows.insert(
            tx.conn, id=organisation_id, org_type=new.org_type,
            tier=tiers.tier_for(new.org_type, new.expected_users), registration_no=new.registration_no,
            tax_id=new.tax_id, industry=new.industry, size=new.size, website=new.website, contacts=new.contacts,
            program=new.program, account_manager_id=await rows.least_busy_manager(tx.conn),
            registered_email=new.email,
        )  # fmt: skip
    except StorageError as e:
        raise _taken(e) from e
    return organisation_id


def _taken(error: StorageError) -> Exception:
    text = _ONCE.get(constraint_of(error) or "")
    return AlreadyRegistered(text) if text else error
