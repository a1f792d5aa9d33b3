"""The contact form: a letter from anybody, kept until staff has answered it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.access import phones
from dispatch.errors import Invalid
from dispatch.services import Tx
from storage import contact as rows


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


def _spelled(phone: str | None, region: str) -> str | None:
    """As accounts have it, so that the letter is found with its writer; what cannot be a number stays as typed."""
    if phone is None:
        return None
    try:
        return phones.normalise(phone, region)
    except Invalid:
        return phone
