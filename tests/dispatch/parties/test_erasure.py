"""Erasure and export: complete, provable, and only with a fresh proof."""

from __future__ import annotations

from uuid import UUID

import orjson
import pytest

from dispatch.access import email_changes, passwords, signing, step_up
from dispatch.billing import ledger, refunds
from dispatch.billing.ledger import Line
from dispatch.engine import bookings
from dispatch.errors import Invalid, Missing
from dispatch.events import SYSTEM
from dispatch.outbox import messages
from dispatch.parties import customers, erasure
from dispatch.parties.customers import SignedIn
from dispatch.services import Services, Tx
from storage import erasure as rows
from storage.database.pool import Pool
from tests.dispatch.parties.people import notify, sign_in, stepped_up
from tests.identity import OTHER_PHONE, PHONE, add_booking, add_technician, everything
from tests.parties import PASSWORD, add_account, add_membership, add_party
from tests.trade import add_partner, change_partner, partner_now
from tests.turns import one_after_the_other, side_by_side
from tests.world import World


async def with_a_past(services: Services) -> SignedIn:
    """An account with an address, a finished booking, a notification and a submission full of canaries."""
    signed_in = await sign_in(services)
    account_id = signed_in.account.id
    await add_booking(services.pool, account_id, "cancelled")
    await notify(services, account_id)
    async with services.transaction() as tx:
        await customers.update_profile(tx, account_id, {"name": "CANARY NAME", "email": "canary@example.com"})
        await tx.conn.execute(
            "INSERT INTO addresses (account_id, label, line1, city, state, postal_code, lat, lng, "
            "is_default) "
            "VALUES ($1, 'Home', 'CANARY STREET 5', 'Kolkata', 'West Bengal', '700032', 22.5726, 88.3639, "
            "true)",
            account_id,
        )
        await tx.conn.execute(
            "INSERT INTO contact_submissions (account_id, name, email, phone, message) "
            "VALUES ($1, 'CANARY NAME', 'canary@example.com', $2, 'CANARY MESSAGE')",
            account_id, PHONE,
        )  # fmt: skip
        await tx.conn.execute(
            "INSERT INTO booking_events (booking_id, seq, type, actor_kind, data) "
            "SELECT id, 1, 'booking.cancelled', 'customer', "
            '\'{"reason": "CANARY REASON", "fee": 0}\' FROM bookings'
        )
        technician_id = await add_technician(services.pool)
        await tx.conn.execute(
            "INSERT INTO offers (booking_id, technician_id, round, state, earning_minor, currency, "
            "expires_at, answered_at) SELECT id, $1, 1, 'withdrawn', 1, 'INR', now(), now() FROM bookings",
            technician_id,
        )
        await tx.conn.execute(
            "INSERT INTO party_events (party_id, seq, type, data) SELECT $1, 1, 'offer.made', "
            "jsonb_build_object('booking_id', id, 'pincode', '700032', "
            "'lat', 22.5726, 'lng', 88.3639) FROM bookings",
            technician_id,
        )
        await tx.conn.execute(
            "INSERT INTO payments (account_id, booking_id, kind, currency, amount_minor, receipt, "
            "gateway_order_id) SELECT $1, id, 'online', 'INR', 1180, 'r1', 'order_1' FROM bookings",
            account_id,
        )
        await tx.conn.execute(
            "INSERT INTO gateway_events (body_sha256, event_type, order_id, payload, signature, is_verified, "
            "is_processed, processed_at, next_try_at) VALUES ('\\x01', 'payment.failed', 'order_1', "
            "'{\"email\": \"canary@example.com\"}', 's', true, true, now(), NULL)"
        )
    return signed_in


async def test_the_export_has_everything_of_theirs(services: Services) -> None:
    signed_in = await with_a_past(services)
    async with services.read() as conn:
        exported = await erasure.export(conn, signed_in.account.id)
    text = orjson.dumps(exported, default=str).decode()
    for canary in (
        "CANARY NAME",
        "CANARY STREET 5",
        "CANARY MESSAGE",
        "CANARY FEEDBACK",
        "canary@example.com",
        "192.0.2.9",
    ):
        assert canary in text
    assert "hash" not in text


async def test_the_export_has_their_money_and_nobody_elses(world: World) -> None:
    """A gift of 300, the wallet's part of a booking, 50 of it given back; and somebody else with the same."""
    await world.technician()
    await world.technician(km_north=2)
    mine, others = await world.customer(), await world.customer()
    for account_id in (mine, others):
        async with world.services.transaction() as tx:
            lines = [
                Line(ledger.wallet(account_id, "INR"), 30000), Line(ledger.platform("fee_revenue", "INR"), -30000)
            ]  # fmt: skip
            await ledger.post(tx, "goodwill", str(account_id), lines)
        booking = await world.book(account_id, use_wallet=True)
        async with world.services.transaction() as tx:
            await refunds.request_for_booking(tx, booking.id, 5000, reason="Too late", requested_by="admin:1")
    async with world.services.read() as conn:
        exported = await erasure.export(conn, mine)
    [booked] = exported["bookings"]
    paid = {p["kind"]: (p["amount_minor"], p["captured_minor"], p["refunded_minor"]) for p in exported["payments"]}
    assert paid == {"wallet": (30000, 30000, 5000), "cash": (booked["grand_total_minor"] - 30000, 0, 0)}
    assert {(p["booking_id"], p["currency"]) for p in exported["payments"]} == {(booked["id"], "INR")}
    [refund] = exported["refunds"]
    assert (refund["amount_minor"], refund["currency"], refund["reason"]) == (5000, "INR", "Too late")
    assert (refund["booking_id"], refund["to_wallet"], refund["status"]) == (booked["id"], True, "processed")
    assert [(line["account"], line["amount_minor"], line["currency"]) for line in exported["wallet"]] == [
        ("wallet", 30000, "INR"), ("wallet", -30000, "INR"), ("wallet", 5000, "INR"),
    ]  # fmt: skip


async def test_erasure_leaves_no_trace_of_the_person_but_the_rows(services: Services, fresh_pool: Pool) -> None:
    signed_in = await with_a_past(services)
    token = await stepped_up(services)
    await erasure.erase(services, signed_in.account.id, token)
    dump = await everything(fresh_pool)
    for canary in ("CANARY", "canary", PHONE, "192.0.2.9", "22.5726", "700032"):
        assert canary not in dump, [line for line in dump.splitlines() if canary in line]
    async with services.read() as conn:
        booking = await conn.fetchrow("SELECT grand_total_minor, address FROM bookings")
        assert booking is not None
        assert booking["grand_total_minor"] == 1180
        assert booking["address"] == {"city": "Kolkata", "state": "West Bengal"}
        assert await conn.fetchval("SELECT data FROM booking_events") == {"fee": 0}
        with pytest.raises(Missing):
            await customers.get(conn, signed_in.account.id)
    assert not await services.sessions.alive(signed_in.pair.session_id, "customer")


async def test_the_phone_may_start_anew(services: Services) -> None:
    signed_in = await sign_in(services)
    await erasure.erase(services, signed_in.account.id, await stepped_up(services))
    assert (await sign_in(services)).account.id != signed_in.account.id


@pytest.mark.parametrize("status", ["pending", "confirmed", "in_progress"])
async def test_an_open_booking_forbids_erasure(services: Services, status: str) -> None:
    signed_in = await sign_in(services)
    technician_id = None if status == "pending" else await add_technician(services.pool)
    await add_booking(services.pool, signed_in.account.id, status, technician_id=technician_id)
    token = await stepped_up(services)
    with pytest.raises(erasure.BookingOpen):
        await erasure.erase(services, signed_in.account.id, token)
    assert await services.sessions.alive(signed_in.pair.session_id, "customer")


async def test_money_in_the_wallet_forbids_erasure_until_it_is_gone(services: Services) -> None:
    signed_in = await sign_in(services)
    account_id = signed_in.account.id

    async def give(reference: str, minor: int) -> None:
        lines = [Line(ledger.wallet(account_id, "INR"), minor), Line(ledger.platform("fee_revenue", "INR"), -minor)]
        async with services.transaction() as tx:
            await ledger.post(tx, "goodwill", reference, lines)

    await give("in", 50000)
    token = await stepped_up(services)
    with pytest.raises(erasure.WalletHoldsMoney, match="still holds ₹500;") as refused:
        await erasure.erase(services, account_id, token)
    assert refused.value.details == {"held_minor": {"INR": 50000}}
    assert await services.sessions.alive(signed_in.pair.session_id, "customer")
    await give("out", -50000)
    await erasure.erase(services, account_id, token)
    async with services.read() as conn:
        with pytest.raises(Missing):
            await customers.get(conn, account_id)


async def test_erasure_wants_a_fresh_code(services: Services) -> None:
    signed_in = await sign_in(services)
    with pytest.raises(step_up.StepUpNeeded):
        await erasure.erase(services, signed_in.account.id, None)


async def test_a_booking_that_is_cancelled_meanwhile_forbids_nothing_and_is_forgotten_too(world: World) -> None:
    await world.technician()
    booking = await world.book()
    _, refused = await one_after_the_other(
        world.services, lambda tx: bookings.cancel(tx, booking.id, SYSTEM, "no longer needed"),
        lambda tx: erasure.wipe(tx, booking.account_id),
    )  # fmt: skip
    assert refused is None
    assert (await world.booking(booking.id)).address != booking.address


async def test_two_nodes_forget_different_bookings(world: World) -> None:
    await world.technician()
    ids = set()
    for hours in (1.5, 3):
        booking = await world.book(hours=hours)
        async with world.services.transaction() as tx:
            await bookings.cancel(tx, booking.id, SYSTEM, None)
        ids.add(booking.id)
    await world.advance(days=2)

    async def some(tx: Tx) -> list[UUID]:
        return [b.id for b in await rows.bookings_before(tx.conn, days=1, most=1)]

    one, two = await side_by_side(world.services, some, some)
    assert {*one, *two} == ids


async def _exported(services: Services, account_id: UUID) -> list[str]:
    async with services.read() as conn:
        found = await erasure.export(conn, account_id)
    return [str(one["recipient"]) for one in found["messages"]]


async def _told(services: Services, recipient: str, account_id: UUID | None = None) -> None:
    async with services.transaction() as tx:
        await messages.enqueue(tx, "email", recipient, "password_changed", {}, account_id=account_id)


async def test_writing_down_an_address_shows_and_ends_nothing_of_whoever_reads_it(services: Services) -> None:
    owner_id = await add_account(services, "asha@example.com")
    curious = await sign_in(services)
    async with services.transaction() as tx:
        await customers.update_profile(tx, curious.account.id, {"email": "asha@example.com"})
    await _told(services, "asha@example.com", owner_id)
    await _told(services, "asha@example.com")
    await _told(services, "asha@example.com", curious.account.id)
    assert (await _exported(services, curious.account.id)).count("asha@example.com") == 1, "the one about themselves"
    await erasure.erase(services, curious.account.id, await stepped_up(services))
    async with services.read() as conn:
        found = await conn.fetch("SELECT state, recipient, account_id FROM outbox WHERE template = 'password_changed'")
    assert sorted((row["state"], row["recipient"]) for row in found) == [
        ("dead", "erased"), ("pending", "asha@example.com"), ("pending", "asha@example.com"),
    ]  # fmt: skip
    assert (await _exported(services, owner_id)).count("asha@example.com") == 2, "a password from there proves it"


async def test_whoever_has_the_phone_now_reads_nothing_of_whoever_had_it(services: Services) -> None:
    before = await sign_in(services)
    async with services.transaction() as tx:
        await messages.enqueue(tx, "sms", PHONE, "phone_changed", {}, account_id=before.account.id)
        await tx.conn.execute("UPDATE accounts SET phone = $1 WHERE phone = $2", OTHER_PHONE, PHONE)
        await tx.conn.execute("UPDATE outbox SET account_id = $1", before.account.id)
    after = await sign_in(services)
    assert after.account.id != before.account.id
    assert PHONE not in await _exported(services, after.account.id)
    assert PHONE in await _exported(services, before.account.id)
    await erasure.erase(services, after.account.id, await stepped_up(services))
    assert PHONE in await _exported(services, before.account.id)


async def test_erasure_forgets_whence_a_member_signed_in_and_the_address_they_wished_for(
    services: Services, fresh_pool: Pool
) -> None:
    signed_in = await sign_in(services)
    account_id = signed_in.account.id
    password_hash = await passwords.hashed(PASSWORD)
    async with services.transaction() as tx:
        await customers.update_profile(tx, account_id, {"email": "canary@example.com"})
        await passwords.set_password(tx, account_id, password_hash, proves_email=True)
        await email_changes.ask(tx, account_id, "canary2@example.com")
    await add_membership(services, account_id, "provider", "Owner", await add_party(services, "provider", "P-1"))
    done = await signing.sign_in(services, "canary@example.com", PASSWORD, ip="203.0.113.77", user_agent="CANARY agent")
    await signing.ask_new_password(services, "canary@example.com", "203.0.113.77")
    await erasure.erase(services, account_id, await stepped_up(services))
    dump = await everything(fresh_pool)
    for canary in ("CANARY", "canary", "203.0.113.77"):
        assert canary not in dump, [line for line in dump.splitlines() if canary in line]
    assert not await services.sessions.alive(done.pair.session_id, "provider")


async def test_a_trade_partner_is_free_of_who_was_erased(services: Services) -> None:
    """Also where somebody makes them its customer in that very moment."""
    signed_in = await with_a_past(services)
    account_id = signed_in.account.id
    partner = await add_partner(services, customer=account_id)
    async with services.transaction() as tx:
        booking_id = await tx.conn.fetchval("SELECT id FROM bookings")
        await tx.conn.execute("UPDATE bookings SET cancelled_by = 'customer'")
        await tx.conn.execute(
            "INSERT INTO trade_orders (code, partner_no, booking_id, status, cancelled_at, currency, lines, "
            "subtotal_minor, discount_minor, tax_minor, total_minor, credit_minor, cancellation_reason) "
            "VALUES ('BC1', $1, $2, 'CANCELLED', now(), 'INR', '[]', 0, 0, 0, 0, 0, 'CANARY REASON')",
            partner.no, booking_id,
        )  # fmt: skip

    async def moving(tx: Tx) -> None:
        await change_partner(tx, partner.no, customer_no=None)
        await change_partner(tx, other.no, customer_no=partner.customer_no)

    async def erasing(tx: Tx) -> None:
        await erasure.wipe(tx, account_id)

    other = await add_partner(services)
    _, second = await one_after_the_other(services, moving, erasing)
    assert second is None
    for no in (partner.no, other.no):
        assert (await partner_now(services, no)).customer_no is None
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM erp_customers") == 0
        assert await conn.fetchval("SELECT cancellation_reason FROM trade_orders") is None


async def test_who_is_being_erased_becomes_no_partners_customer(services: Services) -> None:
    signed_in = await sign_in(services)
    partner, other = await add_partner(services, customer=signed_in.account.id), await add_partner(services)

    async def erasing(tx: Tx) -> None:
        await erasure.wipe(tx, signed_in.account.id)

    async def taking(tx: Tx) -> None:
        await change_partner(tx, other.no, customer_no=partner.customer_no)

    _, refused = await one_after_the_other(services, erasing, taking)
    assert isinstance(refused, Invalid) and refused.fields.keys() == {"customer_id"}
