"""The person behind a team member: name, phone and address, as they say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.access import email_changes
from dispatch.errors import Missing
from dispatch.services import Tx
from storage import accounts as rows
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Person:
    """`phone` is what they wrote: nobody has verified it. `pending_email` waits for its link to be followed."""

    name: str | None
    email: str | None
    phone: str | None
    avatar_url: str | None
    pending_email: str | None
    updated_at: datetime


async def get(conn: Conn, account_id: UUID) -> Person:
    """Raises Missing."""
    found = await rows.contact(conn, id=account_id)
    if found is None:
        raise Missing("account")
    waiting = await email_changes.pending(conn, account_id)
    return Person(found.name, found.email, found.phone, found.avatar_url, waiting, found.updated_at)


async def change(tx: Tx, account_id: UUID, *, name: str | None, email: str | None, phone: str | None) -> Person:
    """What is None stays. Another address counts once it is confirmed. Raises AddressTaken."""
    known = await rows.lock(tx.conn, id=account_id)
    await rows.set_contact(tx.conn, id=account_id, name=name, phone=phone)
    if email is not None and known is not None and email.lower() != (known.email or "").lower():
        await email_changes.ask(tx, account_id, email)
    return await get(tx.conn, account_id)
