"""Technicians as staff keep them: taken on with a PT- code, changed, verified or rejected, let go.

Of an Aadhaar number a keyed hash, the last four digits and whether it was verified are kept, and nothing else; a PAN
and a bank account are sealed to their rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from dispatch import bus, numbers
from dispatch.engine import audit, bookings, catalogue, files, offered, offers, presence
from dispatch.engine.presence import Shift
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.outbox import messages
from dispatch.parties import bank_accounts, papers
from dispatch.services import Services, Tx
from dispatch.vault import Vault, cell, vault_of
from storage import offers as offer_rows
from storage import technicians as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn
from storage.technicians import TechnicianFile

REALM = "technician"
VERIFIED, REJECTED = "verified", "rejected"
#: The papers that may be shown (R85).
DOCUMENTS = ("aadhar", "pan")


class PhoneTaken(Conflict):
    """Another technician has this phone number."""

    code = "phone_taken"


class AadhaarTaken(Conflict):
    """Another technician has this Aadhaar number."""

    code = "aadhaar_taken"


class StandsSo(Conflict):
    """This technician stands so already."""

    code = "wrong_state"


@dataclass(frozen=True, slots=True)
class Account:
    """Where somebody is paid."""

    number: str
    ifsc: str | None = None
    bank_name: str | None = None
    account_name: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What staff write of a technician. Numbers of papers come in their plain form and are not kept so."""

    name: str
    phone: str
    categories: Sequence[str]
    tiers: Sequence[str]
    email: str | None = None
    address: str | None = None
    radius_m: int = 10_000
    base: tuple[float, float] | None = None
    zone_id: UUID | None = None
    is_active: bool = True
    #: Kind of paper -> file.
    documents: Mapping[str, UUID] | None = None


async def create(
    tx: Tx,
    profile: Profile,
    shifts: Sequence[Shift],
    actor: Actor,
    *,
    aadhaar: str | None = None,
    pan: str | None = None,
    account: Account | None = None,
    provider_id: UUID | None = None,
) -> TechnicianFile:
    """A new technician, whose papers are to be verified. Raises PhoneTaken, AadhaarTaken, Invalid (hours, zone, files).

    Nobody hears of offers before the papers are verified.
    """
    _check_zone(tx.services, profile.zone_id)
    profile = await _spelled(tx.conn, profile)
    lat, lng = profile.base or (None, None)
    try:
        technician_id = await rows.insert(
            tx.conn, code=await numbers.take(tx.conn, "PT", tx.now), name=profile.name, email=profile.email,
            phone=profile.phone, address=_address(profile.address), provider_id=provider_id,
            categories=list(profile.categories), tiers=list(profile.tiers),
            service_radius_m=profile.radius_m, base_lat=lat, base_lng=lng, zone_id=profile.zone_id,
            is_active=profile.is_active,
        )  # fmt: skip
    except StorageError as error:
        raise _taken(error) from error
    assert technician_id is not None, "an insert answers with its id"
    await presence.set_working_hours(tx, technician_id, shifts)
    await _keep_papers(tx, technician_id, aadhaar, pan)
    if profile.documents:
        await _keep_documents(tx, technician_id, {}, profile, lat, lng)
    if account is not None:
        await _pay_to(tx, technician_id, account, None)
    made = await get(tx.conn, technician_id, tx.services.settings.currency)
    await audit.changed(tx, actor, "create_technician", "technician", technician_id, None, _audited(made))
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    return made


async def change(
    tx: Tx,
    technician_id: UUID,
    actor: Actor,
    changes: Mapping[str, Any],
    *,
    shifts: Sequence[Shift] | None = None,
    aadhaar: str | None = None,
    pan: str | None = None,
    account: Account | None = None,
) -> TechnicianFile:
    """Changes fields of the Profile (those in `changes`), hours, papers, the bank account.

    Who is no longer active is signed out, and what is offered or has not begun goes to others. The phone of until now
    hears that another takes its place. Raises Missing, PhoneTaken, AadhaarTaken, Invalid.
    """
    currency = tx.services.settings.currency
    if changes.get("is_active") is False:
        await _let_go(tx, technician_id, actor, "the technician is no longer active")
    await _lock(tx, technician_id)
    before = await get(tx.conn, technician_id, currency)
    after = replace(_profile(before), **changes)
    if changes.keys() & {"categories", "tiers"}:
        after = await _spelled(tx.conn, after)
    _check_zone(tx.services, after.zone_id)
    lat, lng = after.base or (None, None)
    try:
        await rows.change_party(
            tx.conn, technician_id=technician_id, name=after.name, email=after.email, phone=after.phone,
            address=_address(after.address),
        )  # fmt: skip
    except StorageError as error:
        raise _taken(error) from error
    await _keep_documents(tx, technician_id, before.verification_documents, after, lat, lng)
    if shifts is not None:
        await presence.set_working_hours(tx, technician_id, shifts)
    await _keep_papers(tx, technician_id, aadhaar, pan)
    if account is not None:
        # The phone of until now: one that was changed together with the account may be whoever's gets the money.
        await _pay_to(tx, technician_id, account, before.phone or after.phone)
    if before.phone and before.phone != after.phone:
        await messages.enqueue(tx, "sms", before.phone, "phone_changed", {})
    if before.phone != after.phone or (before.is_active and not after.is_active):
        await tx.services.sessions.revoke_all(tx, REALM, technician_id, Ending.CHANGED_BY_STAFF)
    found = await get(tx.conn, technician_id, currency)
    await audit.changed(tx, actor, "update_technician", "technician", technician_id, _audited(before), _audited(found))
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    return found


async def judge(tx: Tx, technician_id: UUID, actor: Actor, status: str, notes: str | None) -> TechnicianFile:
    """The papers are verified or rejected; the technician is told. Who is rejected is signed out, and what they have
    not begun goes to others. Raises Missing, StandsSo."""
    currency = tx.services.settings.currency
    if status == REJECTED:
        await _let_go(tx, technician_id, actor, "the technician was not verified")
    await _lock(tx, technician_id)
    before = await get(tx.conn, technician_id, currency)
    by = ":".join(filter(None, (actor.kind, actor.id)))
    if await rows.judge(tx.conn, technician_id=technician_id, status=status, notes=notes, verified_by=by) is None:
        raise StandsSo(f"This technician is {status} already.")
    if status == REJECTED:
        await tx.services.sessions.revoke_all(tx, REALM, technician_id, Ending.NOT_VERIFIED)
    found = await get(tx.conn, technician_id, currency)
    action = "verify_technician" if status == VERIFIED else "reject_technician"
    await audit.changed(tx, actor, action, "technician", technician_id, _audited(before), _audited(found))
    if found.phone is not None:
        told = {"name": found.name, "status": status, "reason": notes or ""}
        await messages.enqueue(tx, "sms", found.phone, "partner_status", told)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    return found


async def get(conn: Conn, technician_id: UUID, currency: str) -> TechnicianFile:
    """One technician, with the sums of one currency. Raises Missing."""
    found = await rows.get(conn, technician_id=technician_id, currency=currency)
    if found is None:
        raise Missing("technician")
    return found


def pan_of(vault: Vault, technician: TechnicianFile) -> str | None:
    """The PAN with all but its end hidden. Raises SealBroken."""
    if technician.pan_enc is None:
        return None
    plain = vault.open(technician.pan_enc, _pan_cell(technician.id))
    return "X" * (len(plain) - 4) + plain[-4:]


# ---------------------------------------------------------------- parts


async def _lock(tx: Tx, technician_id: UUID) -> None:
    """Raises Missing."""
    await rows.hold(tx.conn, technician_id=technician_id)
    if await rows.lock(tx.conn, technician_id=technician_id) is None:
        raise Missing("technician")


async def _let_go(tx: Tx, technician_id: UUID, actor: Actor, reason: str) -> None:
    """Open offers are taken back and jobs that have not begun go to others; the bookings are locked in their order."""
    for one in await rows.tied(tx.conn, technician_id=technician_id):
        booking = await offers.lock(tx, one.booking_id)
        offer = await offer_rows.open_of_booking(tx.conn, booking_id=booking.id)
        if offer is not None and offer.technician_id == technician_id:
            await offers.withdraw(tx, booking, reason, actor, gives_attempt_back=True)
            tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})
            continue
        assignment = await offer_rows.assignment(tx.conn, booking_id=booking.id)
        if booking.status == "confirmed" and assignment is not None and assignment.technician_id == technician_id:
            await bookings.reopen(tx, booking, assignment, actor, reason)


async def _keep_papers(tx: Tx, technician_id: UUID, aadhaar: str | None, pan: str | None) -> None:
    vault = vault_of(tx.services.settings)
    if pan is not None:
        await rows.set_pan(tx.conn, technician_id=technician_id, pan_enc=vault.seal(pan, _pan_cell(technician_id)))
    if aadhaar is None:
        return
    try:
        await rows.set_aadhaar(
            tx.conn, technician_id=technician_id, aadhaar_hash=vault.mac("aadhaar", aadhaar.encode()),
            aadhaar_last4=aadhaar[-4:], is_doubtful=not papers.check_digit_holds(aadhaar),
        )  # fmt: skip
    except StorageError as error:
        raise _taken(error) from error


async def _keep_documents(
    tx: Tx, technician_id: UUID, known: Mapping[str, Any], profile: Profile, lat: float | None, lng: float | None
) -> None:
    """Files that the house took in become the technician's; former ones are dropped."""
    documents = dict(known)
    for kind, file_id in (profile.documents or {}).items():
        if documents.get(kind) == str(file_id):
            continue
        owner = files.Owner(REALM, technician_id)
        try:
            file = await files.give(tx, file_id, owner)
        except Missing as error:
            raise Invalid({f"verification_documents.{kind}": "There is no such file to be given."}) from error
        if file.purpose != "document":
            raise Invalid({f"verification_documents.{kind}": "This file was not sent as a document."})
        if kind in documents:
            await files.drop(tx, UUID(documents[kind]))
        documents[kind] = str(file_id)
    await rows.change(
        tx.conn, technician_id=technician_id, categories=list(profile.categories), tiers=list(profile.tiers),
        service_radius_m=profile.radius_m, base_lat=lat, base_lng=lng, zone_id=profile.zone_id,
        is_active=profile.is_active, verification_documents=documents,
    )  # fmt: skip


async def _pay_to(tx: Tx, technician_id: UUID, account: Account, told_phone: str | None) -> None:
    await bank_accounts.replace(
        tx, technician_id, number=account.number, ifsc=account.ifsc, bank_name=account.bank_name,
        account_name=account.account_name, told_phone=told_phone,
    )  # fmt: skip


def _profile(row: TechnicianFile) -> Profile:
    base = (row.base_lat, row.base_lng) if row.base_lat is not None and row.base_lng is not None else None
    return Profile(
        name=row.name, phone=row.phone or "", categories=row.categories, tiers=row.tiers, email=row.email,
        address=address_of(row), radius_m=row.service_radius_m, base=base, zone_id=row.zone_id,
        is_active=row.is_active,
    )  # fmt: skip


async def _spelled(conn: Conn, profile: Profile) -> Profile:
    """With categories and tiers as services have them: whoever does "facial" would get no job of "Facial"."""
    tiers = {tier.casefold(): tier for tier in catalogue.TIERS}
    return replace(
        profile, categories=await offered.spelled(conn, profile.categories),
        tiers=list(dict.fromkeys(tiers.get(tier.casefold(), tier) for tier in profile.tiers)),
    )  # fmt: skip


def _address(text: str | None) -> dict[str, Any] | None:
    return {"address_line1": text} if text else None


def address_of(row: TechnicianFile) -> str | None:
    """The address as it was written."""
    return row.address.get("address_line1") if row.address else None


def _audited(row: TechnicianFile) -> dict[str, Any]:
    """What the audit compares: what staff write, not what the machine counts."""
    names = (
        "code", "name", "phone", "email", "address", "categories", "tiers", "working_hours", "service_radius_m",
        "base_lat", "base_lng", "zone_id", "is_active", "onboarding_status", "verification_notes", "aadhaar_last4",
        "aadhaar_verified", "pan_enc", "bank_name", "account_name", "account_last4", "ifsc", "verification_documents",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _check_zone(services: Services, zone_id: UUID | None) -> None:
    if zone_id is not None and services.zones.find(zone_id) is None:
        raise Invalid({"zone_id": "There is no such zone."})


def _taken(error: StorageError) -> Exception:
    return {
        "parties_technician_phone": PhoneTaken(), "technicians_aadhaar_hash_key": AadhaarTaken(),
    }.get(constraint_of(error) or "", error)  # fmt: skip


def _pan_cell(technician_id: UUID) -> str:
    return cell("technicians", technician_id, "pan")
