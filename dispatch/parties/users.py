"""Customers as the back office sees them; blocking one ends their sign-ins and sockets wherever they are."""

from __future__ import annotations

from uuid import UUID

from dispatch.access import signing
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.live.sessions import Ending
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import users as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.users import User


class IsStaff(Conflict):
    """This person is staff: block them there."""

    code = "is_staff"


async def page(conn: Conn, wanted: Wanted, *, currency: str, timezone: str) -> Slice[User]:
    """Everybody who signs in by phone; what they spent is of this currency, days are those of this place."""
    return await rows.everybody.page(conn, wanted, currency=currency, timezone=timezone)


async def get(conn: Conn, account_id: UUID, currency: str) -> User:
    """Raises Missing."""
    found = await rows.get(conn, id=account_id, currency=currency)
    if found is None:
        raise Missing("user")
    return found


async def set_active(tx: Tx, actor: Actor, account_id: UUID, *, is_active: bool, reason: str | None) -> User:
    """Blocks, which ends every sign-in of the account in whatever portal, or lets in again.

    Raises Missing, IsStaff.
    """
    currency = tx.services.settings.currency
    if await account_rows.lock(tx.conn, id=account_id) is None:
        raise Missing("user")
    before = await get(tx.conn, account_id, currency)
    if await rows.is_staff(tx.conn, id=account_id):
        raise IsStaff
    if before.is_active == is_active:
        return before
    await account_rows.set_active(tx.conn, id=account_id, is_active=is_active, reason=reason)
    if not is_active:
        await tx.services.sessions.revoke_all(tx, None, account_id, Ending.BLOCKED)
        await signing.end_sign_ins(tx, account_id, Ending.BLOCKED)
    changes = {"is_active": {"old": not is_active, "new": is_active}, "reason": reason}
    await audit.record(tx, actor, "block_user" if not is_active else "unblock_user", "user", account_id, changes)
    return await get(tx.conn, account_id, currency)
