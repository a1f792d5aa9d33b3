"""A new e-mail address for an account: it signs in under it once whoever reads it has followed a link."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

from dispatch.access import passwords
from dispatch.access.passwords import LinkRefused
from dispatch.errors import Conflict
from dispatch.outbox import messages
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import email_changes as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn

LIFE_S = 24 * 3600.0


class AddressTaken(Conflict):
    """User with this email already exists"""

    code, is_documented = "duplicate_email", True


async def ask(tx: Tx, account_id: UUID, email: str) -> None:
    """Sends a link to the new address; the newest wish is the one that counts. Raises AddressTaken."""
    known = await account_rows.credentials(tx.conn, email=email)
    if known is not None and known.id != account_id:
        raise AddressTaken
    token = secrets.token_urlsafe(32)
    await rows.put(tx.conn, token_hash=_fingerprint(token), account_id=account_id, email=email.lower(), life_s=LIFE_S)
    await messages.enqueue(
        tx, "email", email, "verify_email",
        {"link": passwords.page_of(tx.services.settings, token), "hours": round(LIFE_S / 3600)},
        is_secret=True, account_id=account_id,
    )  # fmt: skip


async def confirm(tx: Tx, token: str) -> str:
    """The address is the account's from now on, and the old one is told. Raises LinkRefused, AddressTaken."""
    wish = await rows.use(tx.conn, token_hash=_fingerprint(token))
    account = await account_rows.lock(tx.conn, id=wish.account_id) if wish else None
    # Asked again with the account held: it may be blocked at this moment.
    if wish is None or account is None or not account.is_active:
        raise LinkRefused
    try:
        async with tx.savepoint():
            await rows.set_email(tx.conn, account_id=wish.account_id, email=wish.email)
    except StorageError as e:
        if constraint_of(e) != "accounts_login_email":
            raise
        raise AddressTaken from None
    if account.email:
        await messages.enqueue(tx, "email", account.email, "email_changed", {}, account_id=account.id)
    return wish.email


async def pending(conn: Conn, account_id: UUID) -> str | None:
    """The address that waits for its owner's word."""
    wish = await rows.of_account(conn, account_id=account_id)
    return wish.email if wish else None


async def find(conn: Conn, token: str) -> str | None:
    """The address that a link would confirm; None when it is over, or no such link."""
    wish = await rows.find(conn, token_hash=_fingerprint(token))
    return wish.email if wish else None


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
