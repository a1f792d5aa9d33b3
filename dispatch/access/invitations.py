"""Making somebody a member: the account of an e-mail address, its tie to a party, and the link that sets a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.access import passwords, signing
from dispatch.live.sessions import Ending
from dispatch.outbox import messages
from dispatch.services import Tx
from storage import accounts as rows
from storage.accounts import Account


@dataclass(frozen=True, slots=True)
class Invited:
    """`is_new`: the account was made for this, or has no password yet; a link is on its way."""

    account_id: UUID
    membership_id: UUID
    is_new: bool


async def invite(
    tx: Tx,
    email: str,
    name: str,
    *,
    realm: str,
    party_id: UUID | None,
    party_name: str,
    role: str,
    permissions: Mapping[str, Any] | None = None,
    status: str = "active",
) -> Invited:
    """Ties the account of an e-mail address to a party, and makes it where nobody signs in with that address yet.

    Whoever has no password gets a link that sets one; whoever has one is told that they belong to one more. Where
    somebody else had chosen the password it is over, and the tie is pending until the link is used. Two invitations
    of one address at once make one account.
    """
    account, is_taken_back = await account_of(tx, email)
    has_password = account is not None and bool(await rows.has_password(tx.conn, id=account.id))
    if account is None:
        account = await rows.insert(tx.conn, phone=None, email=email, name=name)
        assert account is not None, "an insert gives its row"
    if is_taken_back:
        status = "pending"
    membership_id = await rows.join_party(
        tx.conn, account_id=account.id, realm=realm, party_id=party_id, role=role, permissions=dict(permissions or {}),
        status=status,
    )  # fmt: skip
    assert membership_id is not None, "an upsert gives its row"
    if has_password:
        await messages.enqueue(tx, "email", email, "membership_added", {"party": party_name}, account_id=account.id)
    else:
        await send_link(tx, account.id, email)
    return Invited(account.id, membership_id, not has_password)


async def account_of(tx: Tx, email: str) -> tuple[Account | None, bool]:
    """Whose an address is, locked; and whether a password was taken from it that had not come from that mailbox.

    Whoever chose such a password, as the ERP does for its customers, must not be let in where the address is invited.
    """
    await rows.lock_address(tx.conn, email=email)
    dropped = await rows.drop_unproved(tx.conn, email=email)
    if dropped is not None:
        await signing.end_sign_ins(tx, dropped, Ending.PASSWORD_DROPPED)
    return await rows.of_invitation(tx.conn, email=email), dropped is not None


async def send_link(tx: Tx, account_id: UUID, email: str) -> None:
    """Sends a link that sets the account's password, once."""
    token = await passwords.make_link(tx, account_id)
    params = {"link": passwords.page_of(tx.services.settings, token), "hours": round(passwords.LINK_LIFE_S / 3600)}
    await messages.enqueue(tx, "email", email, "password_link", params, is_secret=True, account_id=account_id)
