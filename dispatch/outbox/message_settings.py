"""By which channels somebody is told, and in which language. In the app everything stands; codes always go."""

from __future__ import annotations

from uuid import UUID

from dispatch.outbox.languages import LANGUAGES
from dispatch.services import Tx
from storage import message_settings as rows
from storage.database.pool import Conn
from storage.message_settings import MessageSettings

#: Of whoever has said nothing.
USUAL = MessageSettings(sms=True, email=True, push=True, language=LANGUAGES[0])


async def get(conn: Conn, *, account_id: UUID | None = None, technician_id: UUID | None = None) -> MessageSettings:
    """Those of an account, or of a technician."""
    return await rows.find(conn, account_id=account_id, technician_id=technician_id) or USUAL


async def change(
    tx: Tx, *, account_id: UUID | None = None, technician_id: UUID | None = None, sms: bool | None = None,
    email: bool | None = None, push: bool | None = None, language: str | None = None,
) -> MessageSettings:  # fmt: skip
    """Changes what is given; for what is told from now on."""
    wanted = {"sms": sms, "email": email, "push": push, "language": language}
    if account_id is not None:
        changed = await rows.change_of_account(tx.conn, account_id=account_id, **wanted)
    else:
        changed = await rows.change_of_technician(tx.conn, technician_id=technician_id, **wanted)
    assert changed is not None, "an upsert gives its row"
    return changed
