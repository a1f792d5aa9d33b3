"""A booking as staff see it."""

from __future__ import annotations

from uuid import uuid4

from tests.api.admin.counter import Counter
from tests.api.admin.test_bookings import technician
from tests.dispatch.billing.till import GRAND


async def test_a_booking_is_shown_with_its_story_and_its_invoice(counter: Counter) -> None:
    who = await technician(counter)
    booking = await counter.till.paid()
    path = f"/bookings/{booking.id}"
    refused = await counter.ask("GET", f"{path}/invoice", expect=409)
    assert refused["error"]["code"] == "NO_INVOICE"
    await counter.world.accept(booking.id, who)
    shown = await counter.ask("GET", path)
    assert shown.keys() == {"booking", "user", "partner", "payment", "services", "timeline"}
    assert shown["payment"]["refundable"] == GRAND / 100 and shown["payment"]["payments"][0]["captured"] == GRAND / 100
    assert [e["action"] for e in shown["timeline"]][0] == "booking.created"
    assert {"action", "timestamp", "by"} <= shown["timeline"][0].keys()
    assert await counter.ask("GET", f"{path}/timeline") == shown["timeline"]
    async with counter.staff.client.get(
        f"/v1/admin{path}/invoice", headers={"Authorization": f"Bearer {counter.staff.token}"}
    ) as reply:
        assert reply.content_type == "application/pdf" and (await reply.read()).startswith(b"%PDF")
    for gone in (f"/bookings/{uuid4()}", f"/bookings/{uuid4()}/timeline", f"/bookings/{uuid4()}/invoice"):
        await counter.ask("GET", gone, expect=404)
