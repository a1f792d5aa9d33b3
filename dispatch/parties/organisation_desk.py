"""What staff decide about organisations: verified or not, whose they are, what is granted them beside their tier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch.access import invitations
from dispatch.engine import audit
from dispatch.errors import Conflict
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.outbox import messages
from dispatch.parties import members, onboarding, organisations, tiers
from dispatch.parties.members import By, NewMember
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import members as member_rows
from storage import organisations as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.members import Member
from storage.organisations import Organisation

LIST = rows.everybodys
#: What has to be there before anybody can say that an organisation is who it says.
NEEDED = ("document_verification", "contract_signing")


class NotReady(Conflict):
    """Its documents or its signature are not here yet."""

    code = "onboarding_incomplete"


@dataclass(frozen=True, slots=True)
class NewOwner:
    first_name: str
    last_name: str
    email: str


async def page(conn: Conn, wanted: Wanted) -> Slice[Organisation]:
    return await LIST.page(conn, wanted)


async def verify(tx: Tx, organisation_id: UUID, actor: Actor, note: str | None) -> None:
    """It may book from now on. Raises Missing, NotReady."""
    await organisations.lock(tx, organisation_id)
    progress = await onboarding.progress(tx.conn, organisation_id)
    if lacking := [s.step for s in progress.steps if s.step in NEEDED and s.status != onboarding.DONE]:
        raise NotReady(details={"missing_steps": lacking})
    await set_status(tx, organisation_id, "active", note, actor)


async def set_status(tx: Tx, organisation_id: UUID, status: str, reason: str | None, actor: Actor) -> None:
    """Another standing, of which it is told. Raises Missing, AlreadyRegistered."""
    before = await organisations.lock(tx, organisation_id)
    if not await organisations.set_status(tx, organisation_id, status, reason, actor):
        return
    await audit.record(
        tx, actor, f"organisation.{status}", "organisation", organisation_id,
        {"status": {"old": before.status, "new": status}, "reason": {"old": before.status_reason, "new": reason}},
    )  # fmt: skip
    params = {"organisation": before.name, "status": status, "reason": reason or ""}
    template = "organisation_verified" if status == "active" else "organisation_status"
    await messages.enqueue(tx, "email", organisations.reached_at(before), template, params)


async def set_account_manager(tx: Tx, organisation_id: UUID, account_id: UUID | None) -> UUID | None:
    """Gives it to somebody of the staff; returns who had it. Raises Missing."""
    before = await organisations.lock(tx, organisation_id)
    if account_id is not None:
        await organisations.require_staff(tx.conn, account_id)
    await rows.set_account_manager(tx.conn, id=organisation_id, account_id=account_id)
    return before.account_manager_id


async def set_terms(tx: Tx, organisation_id: UUID, changes: Mapping[str, Any]) -> Organisation:
    """A discount and days of payment of its own; returns what was before. Raises Missing, TierTooLow."""
    before = await organisations.lock(tx, organisation_id)
    if changes.get("volume_discount_percent"):
        tiers.require(before.tier, "volume_discounts")
    if changes.get("payment_terms_days") is not None:
        tiers.require(before.tier, "flexible_terms")
    discount = changes.get("volume_discount_percent")
    await rows.set_terms(
        tx.conn, id=organisation_id,
        volume_discount_pct=before.volume_discount_pct if discount is None else Decimal(str(discount)),
        payment_terms_days=changes.get("payment_terms_days", before.payment_terms_days),
    )  # fmt: skip
    return before


async def name_owner(tx: Tx, organisation_id: UUID, new: NewOwner, actor: Actor) -> Member:
    """Whom it belongs to from now on: a member of it, else somebody who is enrolled by that, with a link.

    Who owned it goes on as an administrator and is told, so that the new owner can let them go; who never chose a
    password is a member no more. Naming the owner again sends another link where they have no password yet. Raises
    Missing, TooManyMembers.
    """
    # Of two who name one at the same time the second follows the first.
    home = await organisations.lock(tx, organisation_id)
    before = await member_rows.lock_owner(tx.conn, organisation_id=home.id)
    by = By(home.id, actor, organisations.OWNER)
    found = await member_rows.lock_by_email(tx.conn, organisation_id=home.id, email=new.email)
    if before is not None and (found is None or found.id != before.id):
        await _step_down(tx, home, before, f"{new.first_name} {new.last_name}".strip())
    if found is None:
        person = NewMember(new.first_name, new.last_name, new.email, access_level="admin")
        member_id = await members.enrol(tx, by, person, home.name)
        await _hand_over(tx, member_id, organisations.OWNER, members.OWNER_LEVEL)
    else:
        member_id = found.id
        await _take_over(tx, home, found)
    await audit.record(
        tx, actor, "organisation.owner", "organisation", home.id,
        {"owner": {"old": before.email if before else None, "new": new.email}},
    )  # fmt: skip
    return await members.get(tx.conn, by, member_id)


async def _take_over(tx: Tx, home: Organisation, member: Member) -> None:
    if member.role != organisations.OWNER:
        await _hand_over(tx, member.id, organisations.OWNER, members.OWNER_LEVEL)
    if member.status not in ("active", "pending"):
        await members.apply_status(tx, home.id, member.id, "active", None)
    if member.email is None:
        return
    if not await account_rows.has_password(tx.conn, id=member.account_id):
        await invitations.send_link(tx, member.account_id, member.email)
    elif member.role != organisations.OWNER:
        await messages.enqueue(tx, "email", member.email, "owner_named", {"party": home.name})


async def _step_down(tx: Tx, home: Organisation, owner: Member, name: str) -> None:
    await _hand_over(tx, owner.id, members.ACCESS_LEVELS["admin"], "admin")
    if not await account_rows.has_password(tx.conn, id=owner.account_id):
        # They never came: the address may be a stranger's.
        await members.apply_status(tx, home.id, owner.id, "removed", None)
    elif owner.email is not None:
        await messages.enqueue(tx, "email", owner.email, "owner_changed", {"party": home.name, "name": name})


async def _hand_over(tx: Tx, member_id: UUID, role: str, access_level: str) -> None:
    await member_rows.hand_over(tx.conn, id=member_id, access_level=access_level)
    await member_rows.set_role(tx.conn, id=member_id, role=role)
    await tx.services.sessions.revoke_all(tx, organisations.REALM, member_id, Ending.ACCESS_CHANGED)
