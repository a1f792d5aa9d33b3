"""Members of an organisation: enrolled, given access, suspended and removed, by whom and within what."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from dispatch.access import invitations
from dispatch.engine import audit, tasks
from dispatch.errors import Conflict, DispatchError, Missing, NotAllowed
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.outbox import messages
from dispatch.parties import departments, organisations
from dispatch.parties.departments import services_in
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from storage import accounts as account_rows
from storage import members as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.members import Member, Stats, Totals

log = logging.getLogger(__name__)
LIST = rows.of_organisation
#: What follows when somebody is suspended or removed, or has another role, is done by this task.
LEFT = "member_left"
#: The words of the contract for what a member may do, and the role that each is. Nobody is made an owner by it.
ACCESS_LEVELS: Mapping[str, str] = {
    "standard": "partner_member", "viewer": "partner_viewer", "coordinator": "partner_coordinator",
    "finance": "partner_finance", "manager": "partner_manager", "admin": "partner_admin",
}  # fmt: skip
#: What an organisation itself knows of a member, and mends.
CHANGEABLE = ("first_name", "last_name", "phone", "employee_no", "employment_status", "hired_on", "segment")
OWNER_LEVEL, MANAGER = "owner", "partner_manager"
#: What each role may give, and of whom it may take. A manager's reach ends at the department, so do their gifts.
GIVES: Mapping[str, frozenset[str]] = {
    "partner_owner": frozenset(ACCESS_LEVELS), "partner_admin": frozenset(ACCESS_LEVELS),
    MANAGER: frozenset({"standard"}), "key": frozenset({"standard"}),
}  # fmt: skip
_TAKEN = {
    "members_email": "Somebody with this e-mail address is a member already.",
    "members_employee_no": "Somebody with this employee id is a member already.",
}


class OutOfReach(NotAllowed):
    """This is beyond what you may decide on."""

    code = "out_of_reach"


class AlreadyMember(Conflict):
    """This person is a member already."""

    code = "already_member"


class TooManyMembers(Conflict):
    """Your plan has no room for more members; ask your account manager for a higher one."""

    code = "tier_full"


class OwnerStays(Conflict):
    """The owner of an organisation cannot be changed here."""

    code = "owner_stays"


class NotOneself(Conflict):
    """You cannot take away your own access: ask somebody else."""

    code = "not_oneself"


class HasJoined(Conflict):
    """They have joined already, and sign in with the password that they chose."""

    code = "has_joined"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts in an organisation. `within`: the department that they are bound to, None is all of it."""

    organisation_id: UUID
    actor: Actor
    role: str
    within: UUID | None = None
    member_id: UUID | None = None

    def check_reach(self, department_id: UUID | None) -> None:
        """Raises OutOfReach for what is of another department than one's own."""
        if self.within is not None and department_id != self.within:
            raise OutOfReach


@dataclass(frozen=True, slots=True)
class NewMember:
    """Somebody to enrol; `phone` is E.164. What is not known of their employment is None."""

    first_name: str
    last_name: str
    email: str
    phone: str | None = None
    employee_no: str | None = None
    department_id: UUID | None = None
    access_level: str = "standard"
    employment_status: str | None = None
    hired_on: date | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """What a member may do. `monthly_limit_minor` None: no limit. `allowed_services` empty: all."""

    access_level: str
    department_id: UUID | None
    can_book: bool
    require_approval: bool
    monthly_limit_minor: int | None
    allowed_services: Sequence[str]


async def enrol(tx: Tx, by: By, new: NewMember, organisation_name: str) -> UUID:
    """Makes somebody a member and writes to them; returns the member's id.

    They sign in to the portal with the address, by a link that goes there where it has no password yet, and book for
    themselves as whoever proves the phone: two accounts, as nobody has said that one person has both. Pending until one
    of them is proved. Raises OutOfReach, AlreadyMember, TooManyMembers, Missing.
    """
    if new.access_level not in GIVES.get(by.role, frozenset()):
        raise OutOfReach
    department_id = new.department_id or by.within
    by.check_reach(department_id)
    if department_id is not None:
        await departments.hold(tx, by.organisation_id, department_id)
    person = await _person(tx, new)
    role = ACCESS_LEVELS[new.access_level]
    try:
        member_id = await rows.add_membership(
            tx.conn, account_id=person.id, role=role, organisation_id=by.organisation_id,
            status="active" if person.is_proved else "pending",
        )  # fmt: skip
        if member_id is None:
            raise AlreadyMember(_TAKEN["members_email"])
        await rows.insert(
            tx.conn, id=member_id, organisation_id=by.organisation_id, department_id=department_id,
            first_name=new.first_name, last_name=new.last_name, email=new.email, phone=new.phone,
            employee_no=new.employee_no, access_level=new.access_level, employment_status=new.employment_status,
            hired_on=new.hired_on, segment=new.segment,
        )  # fmt: skip
    except StorageError as e:
        raise _refused(e) from e
    await _invite(tx, person, new.email, organisation_name)
    await deliveries.publish(
        tx, Owner("organisation", by.organisation_id), "user.enrolled",
        {
            "member_id": str(member_id), "employee_id": new.employee_no, "email": new.email,
            "name": f"{new.first_name} {new.last_name}".strip(),
            "department_id": str(department_id) if department_id else None,
        },
        stream=str(member_id),
    )  # fmt: skip
    return member_id


async def invite_again(tx: Tx, by: By, member_id: UUID) -> None:
    """Sends another link to whoever has no password yet: a link lasts for days, and a letter goes astray.

    Raises Missing, OutOfReach, OwnerStays, HasJoined.
    """
    member = await _within_reach(tx, by, member_id)
    if await account_rows.has_password(tx.conn, id=member.account_id) or member.email is None:
        raise HasJoined
    await invitations.send_link(tx, member.account_id, member.email)
    await audit.record(tx, by.actor, "member.invited_again", "member", member_id)


async def get(conn: Conn, by: By, member_id: UUID) -> Member:
    """Raises Missing, and OutOfReach for one of another department."""
    found = await rows.get(conn, id=member_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("user")
    by.check_reach(found.department_id)
    return found


async def department_of(conn: Conn, member_id: UUID | None) -> UUID | None:
    """The department that somebody works in, if any."""
    return await rows.department_of(conn, id=member_id)


async def page(conn: Conn, by: By, wanted: Wanted) -> Slice[Member]:
    return await LIST.page(conn, wanted, organisation_id=by.organisation_id, within=by.within)


async def totals(conn: Conn, by: By) -> Totals:
    found = await rows.totals(conn, organisation_id=by.organisation_id, within=by.within)
    assert found is not None, "an aggregate always has a row"
    return found


async def stats(conn: Conn, ids: Sequence[UUID]) -> dict[UUID, Stats]:
    """What these have booked within their organisation."""
    return {s.id: s for s in await rows.stats(conn, ids=list(ids))} if ids else {}


async def change(tx: Tx, by: By, member_id: UUID, changes: Mapping[str, Any]) -> Member:
    """Sets what an organisation knows of somebody (CHANGEABLE) and leaves the rest; the address is their account's own.

    Raises Missing, OutOfReach, AlreadyMember (the employee id is another's), OwnerStays for all but the owner.
    """
    before = await _within_reach(tx, by, member_id, is_owners=by.member_id == member_id)
    try:
        values = {name: changes.get(name, getattr(before, name)) for name in CHANGEABLE}
        await rows.change(tx.conn, id=member_id, **values)
    except StorageError as e:
        raise _refused(e) from e
    after = await get(tx.conn, By(by.organisation_id, by.actor, by.role), member_id)
    await audit.changed(tx, by.actor, "member.change", "member", member_id, before, after)
    return after


async def set_access(tx: Tx, by: By, member_id: UUID, access: Access) -> Member:
    """What a member may do from now on; another role ends their sign-ins.

    Raises Missing (also of the department that they are to be in), OutOfReach, OwnerStays.
    """
    before = await _within_reach(tx, by, member_id)
    by.check_reach(access.department_id)
    if access.access_level not in GIVES.get(by.role, frozenset()):
        raise OutOfReach
    if access.department_id is not None and access.department_id != before.department_id:
        await departments.hold(tx, by.organisation_id, access.department_id)
    role = ACCESS_LEVELS[access.access_level]
    try:
        await rows.set_access(
            tx.conn, id=member_id, department_id=access.department_id, access_level=access.access_level,
            can_book=access.can_book, require_approval=access.require_approval,
            monthly_limit_minor=access.monthly_limit_minor, allowed_services=services_in(access.allowed_services),
        )  # fmt: skip
    except StorageError as e:
        raise _refused(e) from e
    if role != before.role:
        await rows.set_role(tx.conn, id=member_id, role=role)
        await tx.services.sessions.revoke_all(tx, organisations.REALM, member_id, Ending.ACCESS_CHANGED)
        # Who decides no longer is not waited for either.
        await tasks.enqueue(tx, LEFT, {"member_id": str(member_id)})
    after = await get(tx.conn, By(by.organisation_id, by.actor, by.role), member_id)
    changes = {
        name: {"old": str(old), "new": str(new)}
        for name in ("role", "department_id", "can_book", "require_approval", "monthly_limit_minor", "allowed_services")
        if (old := getattr(before, name)) != (new := getattr(after, name))
    }
    if changes:
        await audit.record(tx, by.actor, "member.access", "member", member_id, changes)
    return after


async def set_status(
    tx: Tx, by: By, member_id: UUID, status: str, reason: str | None = None, on_day: date | None = None
) -> None:
    """Activates, suspends or removes, now or on a day to come; who is no longer active is signed out at once.

    Raises Missing, OutOfReach, OwnerStays, NotOneself, TooManyMembers.
    """
    before = await _within_reach(tx, by, member_id)
    if member_id == by.member_id:
        raise NotOneself
    if on_day is not None:
        await rows.plan_status(tx.conn, id=member_id, status=status, on_day=on_day, reason=reason)
    else:
        await apply_status(tx, by.organisation_id, member_id, status, reason)
    await audit.record(
        tx, by.actor, f"member.{status}", "member", member_id,
        {"status": {"old": before.status, "new": status}, "on": {"old": None, "new": str(on_day or "now")}},
    )  # fmt: skip


async def apply_status(tx: Tx, organisation_id: UUID, member_id: UUID, status: str, reason: str | None) -> None:
    """Without asking who wants it. Raises TooManyMembers."""
    member = await rows.get(tx.conn, id=member_id, organisation_id=organisation_id)
    if member is None:
        return
    try:
        await rows.set_status(tx.conn, id=member_id, status=status)
    except StorageError as e:
        raise _refused(e) from e
    await rows.note_status(tx.conn, id=member_id, status=status, reason=reason)
    if status == "active":
        return
    ending = Ending.SUSPENDED if status == "suspended" else Ending.REMOVED
    await tx.services.sessions.revoke_all(tx, organisations.REALM, member_id, ending)
    if status == "removed":
        await rows.tell_no_more(tx.conn, ids=[member_id])
    # What waits for their word must not wait for ever.
    await tasks.enqueue(tx, LEFT, {"member_id": str(member_id)})
    if status == "suspended":
        told = {
            "member_id": str(member_id), "employee_id": member.employee_no, "email": member.email, "reason": reason,
            "name": f"{member.first_name} {member.last_name}".strip(),
        }  # fmt: skip
        await deliveries.publish(
            tx, Owner("organisation", organisation_id), "user.suspended", told, stream=str(member_id)
        )


async def apply_planned(services: Services) -> int:
    """Brings about what was planned for a day that has come; returns how many. One that fails holds up no other."""
    async with services.read() as conn:
        due = await rows.due_changes(conn)
    applied = 0
    for change in due:
        try:
            async with services.transaction() as tx:
                await apply_status(tx, change.organisation_id, change.id, change.status, change.reason)
            applied += 1
        except (DispatchError, StorageError) as error:
            log.warning("the planned change of member %s was passed over: %s", change.id, error)
    return applied


async def _within_reach(tx: Tx, by: By, member_id: UUID, *, is_owners: bool = False) -> Member:
    """The member, locked, if they are one that `by` may decide on; `is_owners`: also the owner, whose own it is."""
    found = await rows.lock(tx.conn, id=member_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("user")
    if found.access_level == OWNER_LEVEL:
        if is_owners:
            return found
        raise OwnerStays
    by.check_reach(found.department_id)
    if found.access_level not in GIVES.get(by.role, frozenset()):
        raise OutOfReach
    return found


@dataclass(frozen=True, slots=True)
class _Person:
    """Whose account it is. `is_proved`: they, or the phone's owner, showed it; `may_open`: it has no password yet."""

    id: UUID
    is_proved: bool
    may_open: bool


async def _person(tx: Tx, new: NewMember) -> _Person:
    """The account of the address, else a new one of the address alone.

    A phone decides nothing: whoever has proved it is known by it (rows.of_account), and keeps an account of their own.
    """
    phone = await account_rows.by_phone(tx.conn, phone=new.phone) if new.phone is not None else None
    is_known = phone is not None and phone.is_verified and phone.is_active
    account, _ = await invitations.account_of(tx, new.email)
    if account is not None:
        has_password = bool(await account_rows.has_password(tx.conn, id=account.id))
        return _Person(account.id, has_password or is_known, not has_password)
    name = f"{new.first_name} {new.last_name}".strip()
    account_id = await rows.add_account(tx.conn, email=new.email, name=name)
    assert account_id is not None, "an insert returns its id"
    return _Person(account_id, is_known, True)


async def _invite(tx: Tx, person: _Person, email: str, organisation_name: str) -> None:
    await messages.enqueue(
        tx, "email", email, "member_enrolled", {"organisation": organisation_name}, account_id=person.id
    )
    if person.may_open:
        await invitations.send_link(tx, person.id, email)


def _refused(error: StorageError) -> Exception:
    constraint = constraint_of(error) or ""
    if constraint == "organisations_tier_members":
        return TooManyMembers()
    if constraint in _TAKEN:
        return AlreadyMember(_TAKEN[constraint])
    if "department_id" in constraint:
        return Missing("department")
    return error
