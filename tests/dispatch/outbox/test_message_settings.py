"""Who wants to be told by what."""

from __future__ import annotations

from dispatch.events import SYSTEM
from dispatch.services import Services
from tests.dispatch.outbox.test_notifications import booked, happen, sent, told, wish
from tests.identity import OTHER_PHONE, PHONE


async def test_whoever_wants_no_sms_or_push_reads_it_in_the_app(services: Services) -> None:
    account_id, technician_id, booking_id = await booked(services)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET email = 'a@example.com'")
    await wish(services, account_id=account_id, sms=False, push=False)
    await happen(services, booking_id, "booking.cancelled", SYSTEM)
    assert sorted(await told(services)) == [("customer", "booking_cancelled"), ("technician", "booking_cancelled")]
    assert await sent(services) == [
        ("email", "a@example.com"), ("push", f"technician:{technician_id}"), ("sms", OTHER_PHONE),
    ]  # fmt: skip
    await wish(services, account_id=account_id, email=False, sms=True)
    await wish(services, technician_id=technician_id, sms=False, push=False)
    await happen(services, booking_id, "booking.cancelled", SYSTEM)
    assert (await sent(services))[3:] == [("sms", PHONE)]
