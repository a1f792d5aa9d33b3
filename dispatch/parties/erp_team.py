"""The ERP's own staff: invited by a link, with a role; somebody who keeps the team is always left."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dispatch.access import invitations, passwords
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.services import Services, Tx
from storage import erp_team as rows
from storage.database.pool import Conn
from storage.erp_team import Clerk, Keeper

REALM, ADMIN = "erp", "admin"
MOST = 1000


class LastAdmin(Conflict):
    """This is the ERP's last admin: make somebody else one first."""

    code = "last_admin"


async def page(conn: Conn) -> list[Clerk]:
    return await rows.every(conn, most=MOST)


async def get(conn: Conn, membership_id: UUID) -> Clerk:
    """Raises Missing."""
    found = await rows.get(conn, id=membership_id)
    if found is None:
        raise Missing("clerk")
    return found


async def invite(tx: Tx, actor: Actor, email: str, name: str, role: str) -> Clerk:
    """Makes somebody one of the staff; who has no password yet gets a link. Repeated, it sets the role anew, which acts
    within seconds. Raises LastAdmin.
    """
    brand = f"{tx.services.settings.brand} ERP"
    keepers = await rows.lock_admins(tx.conn)
    invited = await invitations.invite(tx, email, name, realm=REALM, party_id=None, party_name=brand, role=role)
    if role != ADMIN:
        _check_who_is_left(keepers, invited.membership_id)
    tx.services.sessions.judge_again(tx, REALM, invited.membership_id)
    made = await get(tx.conn, invited.membership_id)
    await audit.record(tx, actor, "invite_clerk", "erp_clerk", made.id, {"role": role})
    return made


async def create(
    services: Services, actor: Actor, email: str, name: str, role: str, password: str | None
) -> str | None:
    """The same at the command line: with a password at once, without one it gives the token of a link."""
    password_hash = None if password is None else await passwords.hashed(password)
    async with services.transaction() as tx:
        made = await invite(tx, actor, email, name, role)
        if password_hash is None:
            return await passwords.make_link(tx, made.account_id)
        await passwords.set_password(tx, made.account_id, password_hash, proves_email=True)
        await rows.save(tx.conn, id=made.id, role=role, status="active")
        return None


async def set_role(tx: Tx, actor: Actor, membership_id: UUID, role: str) -> Clerk:
    """Acts within seconds. Raises Missing, LastAdmin."""
    before = await _lock(tx, membership_id, leaves=role != ADMIN)
    await rows.save(tx.conn, id=membership_id, role=role, status=before.status)
    tx.services.sessions.judge_again(tx, REALM, membership_id)
    after = await get(tx.conn, membership_id)
    await audit.changed(tx, actor, "update_clerk", "erp_clerk", membership_id, before, after)
    return after


async def remove(tx: Tx, actor: Actor, membership_id: UUID) -> None:
    """Every sign-in of theirs here ends. Raises Missing, LastAdmin."""
    before = await _lock(tx, membership_id, leaves=True)
    await rows.save(tx.conn, id=membership_id, role=before.role, status="removed")
    await tx.services.sessions.revoke_all(tx, REALM, membership_id, Ending.REMOVED)
    await audit.changed(tx, actor, "remove_clerk", "erp_clerk", membership_id, before, None)


async def _lock(tx: Tx, membership_id: UUID, *, leaves: bool) -> Clerk:
    keepers = await rows.lock_admins(tx.conn)
    before = await get(tx.conn, membership_id)
    if leaves:
        _check_who_is_left(keepers, membership_id)
    return before


def _check_who_is_left(keepers: Sequence[Keeper], leaving: UUID) -> None:
    """Somebody who was only invited keeps nothing: they may never come. Raises LastAdmin."""
    if any(k.id == leaving for k in keepers) and not any(k.can_come_in for k in keepers if k.id != leaving):
        raise LastAdmin
