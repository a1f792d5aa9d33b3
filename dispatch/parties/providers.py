"""Providers: how one comes to be, with the owner who is the first of its team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dispatch import bus, localtime, numbers
from dispatch.access import invitations, passwords
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.outbox import messages
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import provider_team as team_rows
from storage import providers as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.providers import Provider, Worker

UNITS = ("minor", "major")


class DuplicateEmail(Conflict):
    """User with this email already exists"""

    code, is_documented = "duplicate_email", True


@dataclass(frozen=True, slots=True)
class NewProvider:
    """What a provider begins with; None takes the installation's setting."""

    name: str
    owner_name: str
    owner_email: str
    phone: str | None = None
    facility_type: str = "Facility"
    description: str = ""
    services: Sequence[str] = ()
    address: dict[str, Any] | None = None
    currency: str | None = None
    timezone: str | None = None


async def create(tx: Tx, new: NewProvider, *, inviter: str) -> Provider:
    """A provider whose owner gets a link to choose a password; they belong to it once they have used it."""
    defaults = tx.services.settings.providers
    currency, timezone = new.currency or defaults.currency, new.timezone or defaults.timezone
    provider_id = await rows.insert_party(
        tx.conn, code=await numbers.take(tx.conn, "PR", date.min), name=new.name, email=new.owner_email,
        phone=new.phone, address=new.address or {}, timezone=timezone, currency=currency,
    )  # fmt: skip
    assert provider_id is not None, "an insert answers with its id"
    await rows.insert(
        tx.conn, id=provider_id, facility_type=new.facility_type, description=new.description,
        services=list(new.services), store_currency=currency, min_payout_minor=defaults.min_payout_minor,
        payouts_from=localtime.local(tx.now, timezone).date(), billing_email=new.owner_email,
    )  # fmt: skip
    made = await get(tx.conn, provider_id)
    await invite(tx, made, name=new.owner_name, email=new.owner_email, role="Owner", inviter=inviter)
    return made


async def invite(tx: Tx, provider: Provider, *, name: str, email: str, role: str, inviter: str) -> tuple[UUID, UUID]:
    """(membership, invitation) of somebody who is asked into the team by e-mail. Raises DuplicateEmail."""
    known, _ = await invitations.account_of(tx, email)
    if known is None:
        known = await account_rows.insert(tx.conn, phone=None, email=email.lower(), name=name)
    assert known is not None, "an insert answers with its row"
    membership_id = await team_rows.add(tx.conn, account_id=known.id, provider_id=provider.id, role=role)
    if membership_id is None:
        raise DuplicateEmail
    invitation_id = await passwords.invite(
        tx, known.id, membership_id, email, party_name=provider.name, inviter=inviter
    )
    return membership_id, invitation_id


async def create_by_staff(tx: Tx, new: NewProvider, actor: Actor) -> Provider:
    """The same by somebody of the house. Raises Invalid for a time zone that there is not."""
    try:
        ZoneInfo(new.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid({"timezone": "must be a time zone such as Africa/Lagos"}) from None
    made = await create(tx, new, inviter=tx.services.settings.brand)
    await audit.record(tx, actor, "provider.created", "provider", made.id, {"name": {"old": None, "new": made.name}})
    return made


async def enlist(tx: Tx, technician_id: UUID, provider_id: UUID, actor: Actor) -> None:
    """Jobs that this technician accepts from now on are paid to the provider. Repeated, it changes nothing.

    The technician and the providers are told. Raises Missing.
    """
    new = await get(tx.conn, provider_id)
    person = await rows.lock_technician(tx.conn, technician_id=technician_id)
    if person is None:
        raise Missing("technician")
    if person.provider_id == provider_id:
        return
    await _move(tx, person, provider_id, "technician.enlisted", actor)
    if person.phone is not None:
        await messages.enqueue(tx, "sms", person.phone, "works_for", {"provider": new.name})
    if new.email is not None:
        await messages.enqueue(tx, "email", new.email, "technician_joined", {"name": person.name, "party": new.name})


async def release(tx: Tx, technician_id: UUID, provider_id: UUID, actor: Actor) -> None:
    """From now on they work for themselves, and both are told. Raises Missing, also when they work for another one."""
    person = await rows.lock_technician(tx.conn, technician_id=technician_id)
    if person is None or person.provider_id != provider_id:
        raise Missing("technician")
    await _move(tx, person, None, "technician.released", actor)
    if person.phone is not None:
        await messages.enqueue(tx, "sms", person.phone, "works_alone", {})


async def _move(tx: Tx, person: Worker, provider_id: UUID | None, action: str, actor: Actor) -> None:
    """Whom they leave is told as well: from now on it earns nothing by them."""
    await rows.set_service(tx.conn, technician_id=person.id, provider_id=provider_id)
    named = provider_id or person.provider_id
    await audit.record(tx, actor, action, "technician", person.id, {"provider_id": str(named)})
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(person.id)})
    old = await rows.get(tx.conn, id=person.provider_id) if person.provider_id is not None else None
    if old is not None and old.email is not None:
        await messages.enqueue(tx, "email", old.email, "technician_left", {"name": person.name, "party": old.name})


async def get(conn: Conn, provider_id: UUID) -> Provider:
    """Raises Missing."""
    found = await rows.get(conn, id=provider_id)
    if found is None:
        raise Missing("provider")
    return found


async def set_units(tx: Tx, provider_id: UUID, units: str) -> None:
    """In which units amounts are written to and by this provider, from the next request on."""
    if units not in UNITS:
        raise ValueError(f"no units: {units}")
    await rows.set_units(tx.conn, id=provider_id, money_units=units)


#: All providers, as a list for staff.
LIST = rows.every


async def page(conn: Conn, wanted: Wanted) -> Slice[Provider]:
    return await rows.every.page(conn, wanted)
