"""Who hears what about a booking, in the transaction of the fact."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from dispatch.engine.bookings import UNPAID
from dispatch.engine.facts import BOOKING_FACTS
from dispatch.events import SYSTEM, Actor, Fact
from dispatch.outbox import message_settings, notifications
from dispatch.services import Reactions, Services
from tests.identity import OTHER_PHONE, PHONE, add_booking, add_technician


async def booked(services: Services, status: str = "confirmed") -> tuple[UUID, UUID, UUID]:
    """(account, technician, booking)."""
    async with services.transaction() as tx:
        account_id = await tx.conn.fetchval("INSERT INTO accounts (phone) VALUES ($1) RETURNING id", PHONE)
    technician_id = await add_technician(services.pool)
    booking_id = await add_booking(services.pool, account_id, status, technician_id=technician_id)
    return account_id, technician_id, booking_id


async def happen(services: Services, booking_id: UUID, fact: str, actor: Actor = SYSTEM, **data: Any) -> None:
    reactions = Reactions()
    notifications.register(reactions)
    async with services.transaction() as tx:
        await reactions.run(tx, Fact(booking_id, fact, actor, data))


async def outbox(services: Services, channel: str) -> list[Any]:
    async with services.read() as conn:
        return await conn.fetch("SELECT * FROM outbox WHERE channel = $1 ORDER BY id", channel)


async def wish(services: Services, **wanted: Any) -> None:
    async with services.transaction() as tx:
        await message_settings.change(tx, **wanted)


async def told(services: Services) -> list[tuple[str, str]]:
    """(to, type) of every row of the app."""
    async with services.read() as conn:
        rows = await conn.fetch("SELECT account_id, type FROM notifications ORDER BY created_at, type")
    return [("customer" if r["account_id"] else "technician", r["type"]) for r in rows]


async def sent(services: Services) -> list[tuple[str, str]]:
    async with services.read() as conn:
        rows = await conn.fetch("SELECT channel, recipient FROM outbox ORDER BY id")
    return [(r["channel"], r["recipient"]) for r in rows]


async def test_confirmed_reads_as_in_the_contract(services: Services) -> None:
    account_id, _, booking_id = await booked(services)
    await happen(services, booking_id, "booking.confirmed", Actor("technician"))
    async with services.read() as conn:
        number = await conn.fetchval("SELECT number FROM bookings")
        row = await conn.fetchrow("SELECT * FROM notifications")
        push = await conn.fetchrow("SELECT * FROM outbox WHERE channel = 'push'")
    assert row is not None and push is not None
    assert (row["title"], row["message"]) == (
        "Booking Confirmed",
        f"Your booking {number} has been confirmed",
    )
    assert row["account_id"] == account_id and row["booking_id"] == booking_id and not row["is_read"]
    assert push["data"]["booking_id"] == str(booking_id)
    assert push["data"]["topic"] == notifications.push_topic(services.settings, "customer", account_id)
    assert str(account_id) not in push["data"]["topic"]
    assert await sent(services) == [("push", f"customer:{account_id}"), ("sms", PHONE)]


async def test_an_offer_goes_to_its_technician_only(services: Services) -> None:
    _, technician_id, booking_id = await booked(services)
    await happen(services, booking_id, "partner.assigned", technician_id=str(technician_id))
    assert await told(services) == [("technician", "offer_made")]
    assert await sent(services) == [("push", f"technician:{technician_id}")]


@pytest.mark.parametrize(
    ("actor", "phones"),
    [("customer", [OTHER_PHONE]), ("admin", [PHONE, OTHER_PHONE]), ("system", [PHONE, OTHER_PHONE])],
)
async def test_nobody_gets_an_sms_about_their_own_deed(services: Services, actor: str, phones: list[str]) -> None:
    await booked(services)
    async with services.read() as conn:
        booking_id = await conn.fetchval("SELECT id FROM bookings")
    await happen(services, booking_id, "booking.cancelled", Actor(actor), reason="no water")
    assert sorted(await told(services)) == [
        ("customer", "booking_cancelled"),
        ("technician", "booking_cancelled"),
    ]
    assert [r for c, r in await sent(services) if c == "sms"] == phones
    async with services.read() as conn:
        message = await conn.fetchval("SELECT message FROM notifications WHERE account_id IS NOT NULL")
    assert message.endswith(": no water") is (actor == "admin")


async def test_a_technician_who_let_go_is_not_told_of_it(services: Services) -> None:
    _, technician_id, booking_id = await booked(services)
    data = {"technician_id": str(technician_id)}
    await happen(services, booking_id, "booking.reopened", Actor("technician"), **data)
    assert await told(services) == [("customer", "booking_reopened")]
    await happen(services, booking_id, "booking.reopened", SYSTEM, **data)
    assert ("technician", "job_taken_back") in await told(services)


async def test_an_erased_customer_hears_nothing(services: Services) -> None:
    await booked(services)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false, phone = NULL, erased_at = now()")
        booking_id = await tx.conn.fetchval("SELECT id FROM bookings")
    await happen(services, booking_id, "booking.completed")
    assert await told(services) == [("technician", "booking_completed")]


async def test_a_failing_cause_takes_its_notices_back(services: Services) -> None:
    _, _, booking_id = await booked(services)
    with pytest.raises(ZeroDivisionError):
        async with services.transaction() as tx:
            await notifications.write(tx, Fact(booking_id, "booking.confirmed", SYSTEM))
            raise ZeroDivisionError
    assert await told(services) == [] and await sent(services) == []


@pytest.mark.parametrize("fact", sorted(notifications.NOTICES))
async def test_every_notice_can_be_written(services: Services, fact: str) -> None:
    assert fact in BOOKING_FACTS
    _, _, booking_id = await booked(services)
    reasons = [notice.only for notice in notifications.NOTICES[fact]]
    for reason in {None, *reasons}:
        before = len(await told(services))
        await happen(services, booking_id, fact, **({"reason": reason} if reason else {}))
        assert len(await told(services)) == before + max(1, reasons.count(reason))


async def message(services: Services) -> str:
    async with services.read() as conn:
        return str(await conn.fetchval("SELECT message FROM notifications WHERE account_id IS NOT NULL"))


@pytest.mark.parametrize(
    ("fact", "data", "words"),
    [
        ("booking.cancelled", {"fee_minor": 8840, "refund_minor": 168280},
         "cancelled: rain. The fee is INR 88.40. INR 1,682.80 goes back"),
        ("booking.cancelled", {"fee_minor": 0, "refund_minor": 0}, "has been cancelled: rain"),
        ("payment.refunded", {"amount_minor": 168280}, "INR 1,682.80 for your booking"),
        ("payment.refunded", {"amount_minor": 100, "to_wallet": True}, "is in your wallet"),
        ("payment.captured", {"amount_minor": 177120}, "Your payment of INR 1,771.20 for"),
    ],
)  # fmt: skip
async def test_messages_name_the_amounts(services: Services, fact: str, data: dict[str, Any], words: str) -> None:
    _, _, booking_id = await booked(services)
    await happen(services, booking_id, fact, Actor("admin"), reason="rain.", currency="INR", **data)
    assert words in await message(services)


@pytest.mark.parametrize(
    ("actor", "reason", "words"),
    [
        (SYSTEM, UNPAID, "has been cancelled: it was not paid in time"),
        (SYSTEM, "the booking was cancelled", "has been cancelled"),
        (Actor("organisation"), "too dear", "has been cancelled: too dear"),
        (Actor("technician"), "too far", "has been cancelled"),
    ],
)
async def test_whoever_booked_hears_why_it_was_cancelled(
    services: Services, actor: Actor, reason: str, words: str
) -> None:
    _, _, booking_id = await booked(services)
    await happen(services, booking_id, "booking.cancelled", actor, reason=reason)
    assert (await message(services)).endswith(words)


async def test_a_customer_hears_of_an_acceptance_once(services: Services) -> None:
    _, _, booking_id = await booked(services)
    for fact in ("partner.accepted", "booking.confirmed"):
        await happen(services, booking_id, fact, Actor("technician"))
    assert await told(services) == [("customer", "booking_confirmed")]


async def test_nobody_hears_a_technicians_words(services: Services) -> None:
    _, technician_id, booking_id = await booked(services)
    for fact in sorted(notifications.NOTICES):
        await happen(services, booking_id, fact, Actor("technician"), reason="CANARY", technician_id=str(technician_id))
    async with services.read() as conn:
        said = await conn.fetch("SELECT message FROM notifications UNION ALL SELECT body FROM outbox")
    assert said and "CANARY" not in str([r["message"] for r in said])
