"""Every notice in every language, and each to whoever chose it."""

from __future__ import annotations

import re

from dispatch.events import Actor
from dispatch.outbox import languages, notifications
from dispatch.services import Services
from tests.dispatch.outbox.test_notifications import booked, happen, outbox, wish
from tests.identity import PHONE


async def test_each_is_told_in_the_language_that_they_chose(services: Services) -> None:
    account_id, technician_id, booking_id = await booked(services)
    await wish(services, account_id=account_id, language="hi")
    await wish(services, technician_id=technician_id, language="bn")
    fee = {"fee_minor": 500, "currency": "INR"}
    await happen(services, booking_id, "booking.cancelled", Actor("admin"), reason="rain", **fee)
    async with services.read() as conn:
        rows = await conn.fetch("SELECT title, message FROM notifications ORDER BY account_id NULLS LAST")
        number = await conn.fetchval("SELECT number FROM bookings")
    assert rows[0]["title"] == "बुकिंग रद्द" and rows[1]["title"] == "কাজ বাতিল"
    assert rows[0]["message"] == f"आपकी बुकिंग {number} रद्द कर दी गई है: rain। शुल्क INR 5.00 है"
    [sms] = [m for m in await outbox(services, "sms") if m["recipient"] == PHONE]
    assert sms["body"] == f"{rows[0]['title']}: {rows[0]['message']}"
    assert {m["data"]["title"] for m in await outbox(services, "push")} == {rows[0]["title"], rows[1]["title"]}


def test_every_notice_has_its_words_in_every_language() -> None:
    pieces = re.compile(r"{(\w+)}")
    for notices in notifications.NOTICES.values():
        for notice in notices:
            for language in languages.LANGUAGES[1:]:
                title, text = languages.TEXTS[language][notice.to, notice.type]
                assert title and sorted(pieces.findall(text)) == sorted(pieces.findall(notice.message)), notice
    assert languages.PIECES.keys() == set(languages.LANGUAGES)
    assert len({frozenset(p) for p in languages.PIECES.values()}) == 1
    assert languages.REASONS.keys() == set(languages.LANGUAGES)
    assert len({frozenset(r) for r in languages.REASONS.values()}) == 1
