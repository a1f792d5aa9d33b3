"""Who works for the house: invited by a link, with a role and permissions of their own; blocked, reset.

Nobody gives what they do not have, and only a super_admin makes or touches one. That one super_admin is always left is
the database's rule.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from dispatch.access import invitations, passwords, signing, totp
from dispatch.access.permissions import ROLES, Grants, grants_of
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing, NotAllowed
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.services import Services, Tx
from storage import accounts as account_rows
from storage import staff as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.staff import Staff

REALM, SUPER_ADMIN = "admin", "super_admin"
LINK_HOURS = round(passwords.LINK_LIFE_S / 3600)


class AlreadyStaff(Conflict):
    """Somebody with this e-mail address is staff already."""

    code = "already_staff"


class LastSuperAdmin(Conflict):
    """This is the last super_admin: make somebody else one first."""

    code = "last_super_admin"


class BeyondYou(NotAllowed):
    """You cannot give somebody more than you have yourself, nor change somebody who has more."""

    code = "beyond_your_permissions"


class NotYourself(Conflict):
    """You cannot block yourself."""

    code = "not_yourself"


@dataclass(frozen=True, slots=True)
class Giver:
    """Who changes staff, and what they could give; the command line may give everything."""

    actor: Actor
    role: str
    grants: Grants

    def check(self, role: str, permissions: Mapping[str, Any]) -> None:
        """Raises BeyondYou for what the giver does not have."""
        wanted = grants_of(REALM, role, permissions).levels
        is_enough = all(self.grants.allow(f"{resource}:{level}") for resource, level in wanted.items())
        if (role == SUPER_ADMIN and self.role != SUPER_ADMIN) or not is_enough:
            raise BeyondYou


COMMAND_LINE = Giver(Actor("system"), SUPER_ADMIN, grants_of(REALM, SUPER_ADMIN, {}))


async def page(conn: Conn, wanted: Wanted) -> Slice[Staff]:
    return await rows.everybody.page(conn, wanted)


async def get(conn: Conn, account_id: UUID) -> Staff:
    """Raises Missing."""
    found = await rows.get(conn, id=account_id)
    if found is None:
        raise Missing("member of staff")
    return found


async def invite(
    services: Services, giver: Giver, email: str, name: str, role: str, permissions: Mapping[str, Any]
) -> Staff:
    """Makes somebody staff as soon as they have chosen a password with the link that goes to their mailbox.

    Also whoever signs in here already with this address: that the mailbox is theirs shows by the link.
    Raises BeyondYou, AlreadyStaff, Invalid (permissions of a super_admin).
    """
    giver.check(role, permissions)
    _check_overrides(role, permissions)
    async with services.transaction() as tx:
        made = await _add(tx, email, name, role, permissions, "pending")
        await audit.changed(tx, giver.actor, "invite_staff", "staff", made.id, None, _told(made))
        await _send_invitation(tx, giver, made)
    return made


async def create(
    services: Services, giver: Giver, email: str, name: str, role: str, password: str | None
) -> tuple[Staff, str | None]:
    """Staff at once, as the command line makes the first one; without a password also the token of a link.

    Raises AlreadyStaff, Invalid (the password).
    """
    giver.check(role, {})
    password_hash = None if password is None else await passwords.hashed(password)
    async with services.transaction() as tx:
        made = await _add(tx, email, name, role, {}, "active")
        if password_hash is not None:
            await passwords.set_password(tx, made.id, password_hash, proves_email=True)
        await audit.changed(tx, giver.actor, "create_staff", "staff", made.id, None, _told(made))
        token = await passwords.make_link(tx, made.id) if password is None else None
    return made, token


async def update(tx: Tx, giver: Giver, account_id: UUID, changes: Mapping[str, Any]) -> Staff:
    """Changes name, role and own permissions, those that are named; acts within seconds, on open sockets too.

    Who becomes a super_admin loses what was their own: a super_admin may everything, so that one who is left can also
    repair. Raises Missing, BeyondYou, LastSuperAdmin, Invalid (permissions of a super_admin).
    """
    before = await _lock(tx, giver, account_id)
    role = changes.get("role", before.role)
    permissions = changes.get("permissions", {} if role == SUPER_ADMIN else before.permissions)
    giver.check(role, permissions)
    _check_overrides(role, permissions)
    async with _guarded():
        if (role, permissions) != (before.role, before.permissions):
            await rows.update(tx.conn, id=account_id, role=role, permissions=permissions)
            tx.services.sessions.judge_again(tx, REALM, account_id)
    if "name" in changes:
        await rows.rename(tx.conn, id=account_id, name=changes["name"])
    after = await get(tx.conn, account_id)
    await audit.changed(tx, giver.actor, "update_staff", "staff", account_id, _told(before), _told(after))
    return after


async def set_blocked(tx: Tx, giver: Giver, account_id: UUID, *, is_blocked: bool, reason: str | None) -> Staff:
    """Blocks, which ends every sign-in and cuts the sockets, or lets in again. Who was only invited is removed with
    their link: nobody knows yet that the mailbox is theirs, so there is nobody to let in again.

    Raises Missing, BeyondYou, NotYourself, LastSuperAdmin.
    """
    before = await _lock(tx, giver, account_id)
    if is_blocked and before.tie == "pending":
        return await _uninvite(tx, giver, before, reason)
    if is_blocked and giver.actor.id == str(account_id):
        raise NotYourself
    if is_blocked and before.tie != "suspended":
        async with _guarded():
            await rows.set_status(tx.conn, id=account_id, status="suspended")
        await tx.services.sessions.revoke_all(tx, REALM, account_id, Ending.BLOCKED)
    elif not is_blocked and before.tie == "suspended":
        await rows.set_status(tx.conn, id=account_id, status="active")
    after = await get(tx.conn, account_id)
    changes = audit.difference(_told(before), _told(after))
    if changes:
        action = "block_staff" if is_blocked else "unblock_staff"
        await audit.record(tx, giver.actor, action, "staff", account_id, {**changes, "reason": reason})
    return after


async def reset(services: Services, giver: Giver, account_id: UUID, *, drops_totp: bool) -> None:
    """Sends a link for a new password and ends every sign-in; also takes the second factor away, if that is lost.

    The old password is good for nothing from now on: whoever else knows it may be why it is reset. Who is only invited
    keeps both and gets the invitation once more: what they have, they have elsewhere. Raises Missing, BeyondYou,
    Conflict (somebody without an address).
    """
    unknown = await passwords.hashed(secrets.token_urlsafe(32))
    async with services.transaction() as tx:
        before = await _lock(tx, giver, account_id)
        if before.email is None:
            raise Conflict("This account has no e-mail address.")
        dropped = drops_totp and before.tie != "pending" and await totp.remove(tx, account_id)
        if before.tie == "pending":
            await _send_invitation(tx, giver, before)
        else:
            # The account comes before its sign-ins, as where its owner changes the password.
            await passwords.set_password(tx, account_id, unknown)
            # In whatever else they are, too: a sign-in there leads back to being staff.
            await signing.end_sign_ins(tx, account_id, Ending.RESET_BY_STAFF)
            await invitations.send_link(tx, account_id, before.email)
        await services.sessions.revoke_all(tx, REALM, account_id, Ending.RESET_BY_STAFF)
        await audit.record(tx, giver.actor, "reset_staff", "staff", account_id, {"second_factor_removed": dropped})


def reach_of(role: str, permissions: Mapping[str, Any]) -> dict[str, list[str]]:
    """What somebody may, as the contract writes it: {"bookings": ["read", "write"]} (R32)."""
    levels = grants_of(REALM, role, permissions).levels
    return {r: ["read", "write"] if level == "write" else ["read"] for r, level in sorted(levels.items())}


def roles() -> tuple[str, ...]:
    return tuple(ROLES[REALM])


async def _add(tx: Tx, email: str, name: str, role: str, permissions: Mapping[str, Any], status: str) -> Staff:
    account, _ = await invitations.account_of(tx, email)
    account = account or await account_rows.insert(tx.conn, phone=None, email=email, name=name)
    assert account is not None, "an insert gives its row"
    tie = await rows.add_tie(tx.conn, account_id=account.id, role=role, permissions=dict(permissions), status=status)
    if tie is None:
        raise AlreadyStaff
    return await get(tx.conn, account.id)


async def _send_invitation(tx: Tx, giver: Giver, one: Staff) -> None:
    by = await rows.get(tx.conn, id=UUID(giver.actor.id)) if giver.actor.kind == REALM and giver.actor.id else None
    brand = tx.services.settings.brand
    inviter = by.name if by is not None and by.name else brand
    await passwords.invite(tx, one.id, one.membership_id, one.email or "", party_name=brand, inviter=inviter)


async def _uninvite(tx: Tx, giver: Giver, before: Staff, reason: str | None) -> Staff:
    await rows.set_status(tx.conn, id=before.id, status="removed")
    await passwords.end_invitations(tx, before.membership_id)
    after = replace(before, tie="removed", status="removed")
    changes = audit.difference(_told(before), _told(after))
    await audit.record(tx, giver.actor, "block_staff", "staff", before.id, {**changes, "reason": reason})
    return after


def _check_overrides(role: str, permissions: Mapping[str, Any]) -> None:
    """Raises Invalid for permissions of a super_admin's own."""
    if role == SUPER_ADMIN and permissions:
        raise Invalid({"permissions": "A super_admin may everything: there are no permissions of their own."})


async def _lock(tx: Tx, giver: Giver, account_id: UUID) -> Staff:
    """Raises Missing, and BeyondYou for somebody who may more than the giver."""
    found = await rows.lock(tx.conn, id=account_id)
    if found is None:
        raise Missing("member of staff")
    giver.check(found.role, found.permissions)
    return found


@asynccontextmanager
async def _guarded() -> AsyncIterator[None]:
    """Raises LastSuperAdmin where the database says so."""
    try:
        yield
    except StorageError as error:
        if constraint_of(error) == "last_super_admin":
            raise LastSuperAdmin from error
        raise


def _told(one: Staff) -> dict[str, Any]:
    """What of somebody the audit compares."""
    names = ("name", "email", "role", "permissions", "status")
    return {name: getattr(one, name) for name in names}
