"""A customer's account: first sign-in, profile, notifications, the phone, and leaving."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import orjson
import pytest

from dispatch.access import otp, step_up
from dispatch.errors import Invalid, Missing
from dispatch.parties import customers, erasure
from dispatch.parties.customers import SignedIn
from dispatch.services import Services
from storage.database.listing import Wanted
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, PHONE, add_booking, add_technician, everything, send_code, wrong


async def sign_in(services: Services, phone: str = PHONE) -> SignedIn:
    return await customers.sign_in(services, phone, await send_code(services, phone), ip="192.0.2.9")


async def stepped_up(services: Services, phone: str = PHONE) -> str:
    code = await send_code(services, phone, "reset_password")
    return (await customers.confirm_step_up(services, phone, code))[1]


async def notify(services: Services, account_id: UUID, title: str = "Booking Confirmed") -> UUID:
    async with services.transaction() as tx:
        return UUID(
            str(
                await tx.conn.fetchval(
                    "INSERT INTO notifications (account_id, type, title, message) "
                    "VALUES ($1, 'booking_confirmed', $2, 'CANARY MESSAGE') RETURNING id",
                    account_id,
                    title,
                )  # fmt: skip
            )
        )


async def test_the_first_sign_in_makes_the_account(services: Services) -> None:
    first = await sign_in(services)
    assert first.account.phone == PHONE and first.account.is_verified and first.account.name is None
    second = await sign_in(services)
    assert second.account.id == first.account.id
    assert second.pair.session_id != first.pair.session_id


async def test_a_wrong_code_makes_no_account(services: Services) -> None:
    code = await send_code(services)
    with pytest.raises(otp.InvalidOtp):
        await customers.sign_in(services, PHONE, wrong(code))
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts") == 0


async def test_parallel_first_sign_ins_make_one_account(services: Services) -> None:
    codes = [await send_code(services, PHONE, "login")]
    results = await asyncio.gather(
        *(customers.sign_in(services, PHONE, codes[0]) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(r, SignedIn) for r in results) == 1
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts") == 1


async def test_profile_changes_what_is_named(services: Services) -> None:
    account_id = (await sign_in(services)).account.id
    async with services.transaction() as tx:
        after = await customers.update_profile(tx, account_id, {"name": "John Doe"})
        assert (after.name, after.email) == ("John Doe", None)
        after = await customers.update_profile(tx, account_id, {"email": "john@example.com"})
        assert (after.name, after.email) == ("John Doe", "john@example.com")
        after = await customers.update_profile(tx, account_id, {"email": None})
        assert (after.name, after.email) == ("John Doe", None)
        with pytest.raises(Missing):
            await customers.update_profile(tx, uuid4(), {"name": "x"})


async def test_notifications_are_the_owners(services: Services) -> None:
    mine = (await sign_in(services)).account.id
    other = (await sign_in(services, OTHER_PHONE)).account.id
    first = await notify(services, mine)
    await notify(services, mine, "Second")
    async with services.transaction() as tx:
        page = await customers.page_notifications(tx.conn, mine, Wanted(limit=1))
        assert (len(page.rows), page.total) == (1, 2)
        assert (await customers.page_notifications(tx.conn, other, Wanted())).total == 0
        with pytest.raises(Missing):
            await customers.read_notification(tx, other, first)
        assert (await customers.read_notification(tx, mine, first)).is_read
        assert (await customers.read_notification(tx, mine, first)).is_read
        unread = await customers.page_notifications(tx.conn, mine, Wanted(filters={"unread": True}))
        assert unread.total == 1


# ---------------------------------------------------------------- step-up


async def test_step_up_is_for_one_account_realm_and_phone(services: Services) -> None:
    mine = (await sign_in(services)).account
    other = (await sign_in(services, OTHER_PHONE)).account
    token = await stepped_up(services)
    step_up.check(services, token, "customer", mine.id, mine.phone)
    claims = services.tokens.read(token, "step_up")
    assert claims.expires_at - claims.issued_at == 300
    for realm, subject, phone in (
        ("customer", other.id, other.phone),
        ("customer", other.id, mine.phone),
        ("customer", mine.id, other.phone),
        ("technician", mine.id, mine.phone),
        ("customer", mine.id, None),
    ):
        with pytest.raises(step_up.StepUpNeeded):
            step_up.check(services, token, realm, subject, phone)


async def test_an_access_token_or_none_is_no_step_up(services: Services) -> None:
    signed_in = await sign_in(services)
    for token in (None, "", "x", signed_in.pair.access_token, signed_in.pair.refresh_token):
        with pytest.raises(step_up.StepUpNeeded):
            step_up.check(services, token, "customer", signed_in.account.id, PHONE)
    old = services.tokens.mint("step_up", str(signed_in.account.id), None, -1, {"for": "customer"})
    with pytest.raises(step_up.StepUpNeeded):
        step_up.check(services, old, "customer", signed_in.account.id, PHONE)


async def test_step_up_without_an_account_sounds_like_a_wrong_code(services: Services) -> None:
    code = await send_code(services, PHONE, "reset_password")
    with pytest.raises(otp.InvalidOtp):
        await customers.confirm_step_up(services, PHONE, code)


# ---------------------------------------------------------------- the phone


async def test_the_phone_moves_with_both_proofs(services: Services) -> None:
    signed_in, elsewhere = await sign_in(services), await sign_in(services)
    token = await stepped_up(services)
    code = await send_code(services, OTHER_PHONE, "step_up")
    account_id, session_id = signed_in.account.id, signed_in.pair.session_id
    after = await customers.change_phone(services, account_id, session_id, token, OTHER_PHONE, code)
    assert after.phone == OTHER_PHONE
    assert await services.sessions.alive(session_id, "customer")
    assert not await services.sessions.alive(elsewhere.pair.session_id, "customer")
    with pytest.raises(step_up.StepUpNeeded):
        await customers.change_phone(services, account_id, session_id, token, PHONE, code)
    async with services.read() as conn:
        told = await conn.fetchval("SELECT recipient FROM outbox WHERE template = 'phone_changed'")
    assert told == PHONE


async def test_a_wrong_code_of_the_new_phone_is_a_bad_field(services: Services) -> None:
    signed_in = await sign_in(services)
    token = await stepped_up(services)
    code = await send_code(services, OTHER_PHONE, "step_up")
    with pytest.raises(Invalid) as failure:
        await customers.change_phone(
            services, signed_in.account.id, signed_in.pair.session_id, token, OTHER_PHONE, wrong(code)
        )
    assert set(failure.value.fields) == {"otp_code"}


async def test_a_taken_phone_is_a_conflict_and_changes_nothing(services: Services) -> None:
    signed_in = await sign_in(services)
    await sign_in(services, OTHER_PHONE)
    token = await stepped_up(services)
    code = await send_code(services, OTHER_PHONE, "step_up")
    with pytest.raises(customers.PhoneTaken):
        await customers.change_phone(
            services, signed_in.account.id, signed_in.pair.session_id, token, OTHER_PHONE, code
        )
    async with services.read() as conn:
        assert (await customers.get(conn, signed_in.account.id)).phone == PHONE


# ---------------------------------------------------------------- leaving


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


async def test_erasure_leaves_no_trace_of_the_person_but_the_rows(
    services: Services, fresh_pool: Pool
) -> None:
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


async def test_erasure_wants_a_fresh_code(services: Services) -> None:
    signed_in = await sign_in(services)
    with pytest.raises(step_up.StepUpNeeded):
        await erasure.erase(services, signed_in.account.id, None)
