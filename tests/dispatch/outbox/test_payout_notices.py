"""Money that was sent is told, to whom it was sent."""

from __future__ import annotations

from dispatch.outbox import payout_notices
from dispatch.outbox.languages import LANGUAGES, TEXTS
from dispatch.services import Services
from tests.identity import add_technician


async def test_a_technician_reads_of_money_that_was_sent_in_their_app_and_by_a_push(services: Services) -> None:
    technician_id = await add_technician(services.pool)
    async with services.transaction() as tx:
        await payout_notices.paid(tx, technician_id, "PO-1", 123_450, "INR")
    async with services.read() as conn:
        [told] = await conn.fetch("SELECT * FROM notifications")
        [push] = await conn.fetch("SELECT * FROM outbox")
    assert (told["technician_id"], told["booking_id"], told["type"]) == (technician_id, None, "payout_paid")
    assert "PO-1" in told["message"] and "1,234.50" in told["message"]
    assert (push["channel"], push["recipient"]) == ("push", f"technician:{technician_id}")
    assert push["data"]["title"] == told["title"] and push["data"]["payout_number"] == "PO-1"


def test_it_stands_in_every_language() -> None:
    assert {one for one in LANGUAGES if ("technician", "payout_paid") in TEXTS.get(one, {})} == set(LANGUAGES) - {"en"}
