"""The contact form: a letter from anybody, kept until staff has answered it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.access import phones
from dispatch.engine import audit
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import contact as rows
from storage.contact import Submission
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody wrote; the sender may be a customer or a stranger."""

    name: str
    email: str
    message: str
    phone: str | None = None
    subject: str | None = None


async def submit(tx: Tx, letter: Letter, account_id: UUID | None = None) -> UUID:
    """Keeps the letter with the status new, among the data of the account if there is one. Returns its id."""
    phone = _spelled(letter.phone, tx.services.settings.phone_region)
    letter_id = await rows.insert(
        tx.conn, account_id=account_id, name=letter.name, email=letter.email, phone=phone,
        subject=letter.subject, message=letter.message,
    )  # fmt: skip
    assert letter_id is not None
    return letter_id


async def page(conn: Conn, wanted: Wanted, timezone: str) -> Slice[Submission]:
    return await rows.everything.page(conn, wanted, timezone=timezone)


async def get(conn: Conn, letter_id: UUID) -> Submission:
    """Raises Missing."""
    found = await rows.get(conn, id=letter_id)
    if found is None:
        raise Missing("contact submission")
    return found


async def answer(tx: Tx, actor: Actor, letter_id: UUID, status: str, notes: str | None) -> Submission:
    """How far staff are with a letter; notes stay when none are given. Raises Missing."""
    before = await rows.lock(tx.conn, id=letter_id)
    if before is None:
        raise Missing("contact submission")
    kept = before.admin_notes if notes is None else notes
    await rows.answer(tx.conn, id=letter_id, status=status, admin_notes=kept)
    changes = audit.difference(
        {"status": before.status, "admin_notes": before.admin_notes}, {"status": status, "admin_notes": kept}
    )
    if changes:
        await audit.record(tx, actor, "update_contact_submission", "contact_submission", letter_id, changes)
    return await get(tx.conn, letter_id)


def _spelled(phone: str | None, region: str) -> str | None:
    """As accounts have it, so that the letter is found with its writer; what cannot be a number stays as typed."""
    if phone is None:
        return None
    try:
        return phones.normalise(phone, region)
    except Invalid:
        return phone
