"""Letters that staff answer, two at once: the notes of one are not lost by the other."""

from __future__ import annotations

from dispatch.events import Actor
from dispatch.parties import contact
from dispatch.parties.contact import Letter
from dispatch.services import Services, Tx
from tests.turns import one_after_the_other

STAFF = Actor("admin", "7")


async def test_notes_stay_where_another_answers_without_any(services: Services) -> None:
    async with services.transaction() as tx:
        letter_id = await contact.submit(tx, Letter("A Reader", "reader@example.com", "Do you come to Howrah?"))

    async def answer(tx: Tx, status: str, notes: str | None) -> contact.Submission:
        return await contact.answer(tx, STAFF, letter_id, status, notes)

    _, after = await one_after_the_other(
        services, lambda tx: answer(tx, "read", "We do."), lambda tx: answer(tx, "resolved", None)
    )
    assert (after.status, after.admin_notes) == ("resolved", "We do.")
