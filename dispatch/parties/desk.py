"""What only somebody of the house can go on with is not left lying: after a day, tickets when their answer is due,
staff are told, one alert of each kind, which stands while anything of it waits; one that was only dismissed is raised
anew."""

from __future__ import annotations

from collections.abc import Mapping

from dispatch.engine import alerts
from dispatch.services import Tx
from storage import desk as rows

#: By kind of alert. How many there are, and who, the lists say.
WORDS: Mapping[str, str] = {
    "organisation_waits": "An organisation has waited for more than a day to be verified.",
    "application_waits": "Somebody who wants to become a provider has waited for an answer for more than a day.",
    "integration_waits": "An integration has waited for more than a day to be activated.",
    "technician_waits": "A technician has waited for more than a day until somebody looks at their papers.",
    "letter_waits": "A letter of the contact form has been unread for more than a day.",
    "payout_waits": "A payout of a provider has waited for more than a day for somebody to let it go or reject it.",
    "ticket_waits": "A support ticket has no answer yet, and the time within which one is promised is over.",
}
_SUBJECT = "desk"


async def look(tx: Tx) -> int:
    """Raises an alert for each kind of thing that waits, ends those of what waits no longer; gives how many wait."""
    waits = await rows.waits(tx.conn) or []
    for kind in waits:
        await alerts.raise_alert(tx, kind, WORDS[kind], subject=_SUBJECT)
    await alerts.resolve(tx, WORDS.keys() - set(waits), subject=_SUBJECT)
    return len(waits)
