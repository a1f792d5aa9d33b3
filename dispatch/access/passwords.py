"""Passwords: argon2 hashes made in threads, a comparison that takes as long for nobody, and links that set one."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dispatch.config import Settings
from dispatch.errors import Invalid, NotSignedIn
from dispatch.outbox import messages
from dispatch.services import Tx
from storage import accounts as account_rows
from storage import email_changes as email_rows
from storage import passwords as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn
from storage.passwords import Link

#: The contract's own examples have eight characters; more is not asked for, and length beats rules of spelling
#: (NIST SP 800-63B, 3.1.1).
LEAST_CHARS, MOST_CHARS = 8, 128
#: How long a link that sets a password is good, in seconds of real time.
LINK_LIFE_S = 72 * 3600.0
#: A hash takes 64 MiB and a tenth of a second of a core: so many are made at once in a process.
AT_ONCE = 2
_TURNS = asyncio.Semaphore(AT_ONCE)
#: RFC 9106's second recommended option, which is the library's default.
HASHER = PasswordHasher()


class LinkRefused(NotSignedIn):
    """This link is not valid or no longer; ask for a new one."""

    code = "invalid_link"


def check(password: str, field: str = "password") -> None:
    """Raises Invalid, naming `field`, for a password that is too short, too long or blank."""
    if len(password) < LEAST_CHARS:
        raise Invalid({field: f"A password has at least {LEAST_CHARS} characters."})
    if len(password) > MOST_CHARS:
        raise Invalid({field: f"A password has at most {MOST_CHARS} characters."})
    if not password.strip():
        raise Invalid({field: "A password is more than blanks."})


async def hashed(password: str, field: str = "password") -> str:
    """The argon2id hash, with its salt and parameters in it. Raises Invalid as `check` does."""
    check(password, field)
    async with _TURNS:
        return await asyncio.to_thread(HASHER.hash, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one. None (nobody) takes as long as a wrong one and is never right."""
    async with _TURNS:
        is_right = await asyncio.to_thread(_verify, password_hash or _of_nobody(), password)
    return is_right and password_hash is not None


async def set_password(
    tx: Tx,
    account_id: UUID,
    password_hash: str,
    *,
    must_change: bool = False,
    proves_email: bool = False,
    replaces: str | None = None,
    spares_invitations: bool = False,
) -> bool:
    """A new password in place of the old one; links that were sent before are over, also to another e-mail address:
    whoever had the old password or sat in an open sign-in may have asked for one.

    It comes hashed, because hashing is too slow for a transaction. `must_change`: somebody else chose it, so the
    first sign-in asks for another. `proves_email`: it was chosen by whoever reads the account's mailbox, or the
    operator answers for them; only such a password says whose the address is. `replaces`: the hash of the one that
    was shown for it. False, and nothing has changed: by now the password is another. `spares_invitations`: whoever was
    asked in by several follows each one's link.
    """
    changed = await account_rows.set_password(
        tx.conn, id=account_id, password_hash=password_hash, must_change=must_change, proves_email=proves_email,
        replaces=replaces,
    )  # fmt: skip
    if changed is None:
        return False
    await rows.end_links(tx.conn, account_id=account_id, spares_invitations=spares_invitations)
    await email_rows.end(tx.conn, account_id=account_id)
    return True


async def make_link(tx: Tx, account_id: UUID, life_s: float = LINK_LIFE_S) -> str:
    """A token that sets this account's password once; only whoever gets it knows it."""
    token = secrets.token_urlsafe(32)
    await rows.put_link(
        tx.conn, token_hash=_fingerprint(token), account_id=account_id, membership_id=None, life_s=life_s
    )
    return token


async def invite(tx: Tx, account_id: UUID, membership_id: UUID, email: str, *, party_name: str, inviter: str) -> UUID:
    """Sends a link that sets the password and makes this pending membership an active one; earlier ones are over.

    Returns the invitation's id. It goes to the account's own address: whoever reads that mailbox may choose anyway.
    """
    token = secrets.token_urlsafe(32)
    await rows.end_invitations(tx.conn, membership_id=membership_id)
    invitation_id = await rows.put_link(
        tx.conn, token_hash=_fingerprint(token), account_id=account_id, membership_id=membership_id, life_s=LINK_LIFE_S
    )
    assert invitation_id is not None, "an insert answers with its id"
    await messages.enqueue(
        tx, "email", email, "invitation",
        {
            "inviter": inviter, "name": party_name, "link": page_of(tx.services.settings, token),
            "hours": round(LINK_LIFE_S / 3600),
        },
        is_secret=True,
    )  # fmt: skip
    return invitation_id


async def end_invitations(tx: Tx, membership_id: UUID) -> None:
    """Nobody gets in by an invitation that was taken back."""
    await rows.end_invitations(tx.conn, membership_id=membership_id)


def page_of(settings: Settings, token: str) -> str:
    """The address of the page on which a link is used."""
    base = settings.http.public_url or f"http://{settings.http.host}:{settings.http.port}"
    return f"{base.rstrip('/')}/account/{token}"


async def find_link(conn: Conn, token: str) -> Link | None:
    """What a link is for; None when it is over."""
    return await rows.find_link(conn, token_hash=_fingerprint(token))


async def use_link(tx: Tx, token: str, password_hash: str) -> UUID:
    """Sets the password of the link's account and returns the account; an invitation is accepted by it.

    Raises LinkRefused.
    """
    account_id = await rows.use_link(tx.conn, token_hash=_fingerprint(token))
    if account_id is None:
        raise LinkRefused
    await rows.join_by(tx.conn, token_hash=_fingerprint(token))
    try:
        await set_password(tx, account_id, password_hash, proves_email=True, spares_invitations=True)
    except StorageError as error:
        if constraint_of(error) != "accounts_login_email":
            raise
        # The address signs in to another account by now.
        raise LinkRefused from error
    return account_id


def _verify(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _of_nobody() -> str:
    return HASHER.hash(secrets.token_urlsafe(16))


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
