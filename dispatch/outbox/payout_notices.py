"""What technicians are told of money that was sent to them: in their app, and pushed to it."""

from __future__ import annotations

from uuid import UUID

from dispatch import bus
from dispatch.outbox.languages import LANGUAGES, TEXTS
from dispatch.outbox.notifications import TECHNICIAN, money, push_topic
from dispatch.services import Tx
from storage import notifications as rows

PAID = "payout_paid"
_TITLE, _MESSAGE = "Money Sent", "Your payout {number} over {amount} has been sent to your account"


async def paid(tx: Tx, technician_id: UUID, number: str, net_minor: int, currency: str) -> None:
    """A payout was sent. One that did not arrive is told by SMS, because something has to be done about it."""
    words = {"number": number, "amount": money(net_minor, currency)}
    titles: dict[str, str] = {}
    messages: dict[str, str] = {}
    for language in LANGUAGES:
        titles[language], text = TEXTS.get(language, {}).get((TECHNICIAN, PAID), (_TITLE, _MESSAGE))
        messages[language] = text.format_map(words)
    metadata = {"payout_number": number}
    whose = f"{TECHNICIAN}:{technician_id}"
    topic = push_topic(tx.services.settings, TECHNICIAN, technician_id)
    await rows.put_all(
        tx.conn, account_ids=[None], technician_ids=[technician_id], booking_ids=[None], types=[PAID],
        titles=[titles], messages=[messages], metadata=[metadata], notice_numbers=[1], channels=["push"],
        streams=[f"push:{whose}"], recipients=[whose], data=[{"type": PAID, **metadata, "topic": topic}],
    )  # fmt: skip
    tx.hint(bus.OUTBOX_FILLED, {"channels": ["push"]})
