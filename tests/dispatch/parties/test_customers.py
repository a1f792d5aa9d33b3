"""A customer's account: first sign-in, profile, notifications, the phone, and leaving."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from dispatch.access import otp, step_up
from dispatch.access.email_changes import AddressTaken
from dispatch.errors import Invalid, Missing
from dispatch.parties import customers, erp_customers
from dispatch.parties.customers import SignedIn
from dispatch.services import Services
from storage import accounts as account_rows
from storage.database.listing import Wanted
from tests.dispatch.parties.people import notify, sign_in, stepped_up
from tests.identity import OTHER_PHONE, PHONE, send_code, wrong
from tests.parties import PASSWORD, add_account


async def test_the_first_sign_in_makes_the_account(services: Services) -> None:
    first = await sign_in(services)
    assert first.account.phone == PHONE and first.account.is_verified and first.account.name is None
    second = await sign_in(services)
    assert second.account.id == first.account.id
    assert second.pair.session_id != first.pair.session_id


async def test_the_phones_owner_takes_an_account_over_from_whoever_made_it(services: Services) -> None:
    """A password that somebody else chose, and the address beside it, are over with the owner's first code."""
    new = await erp_customers.new_account(
        services, name="A", last_name=None, email="thief@example.com", password=PASSWORD, phone=PHONE
    )
    async with services.transaction() as tx:
        await erp_customers.make(tx, new)
    account = (await sign_in(services)).account
    assert account.is_verified and account.email is None and account.name == "A"
    async with services.read() as conn:
        assert await account_rows.credentials_of(conn, id=account.id) is None
    # What they choose themselves stays.
    async with services.transaction() as tx:
        await customers.update_profile(tx, account.id, {"email": "own@example.com"})
    assert (await sign_in(services)).account.email == "own@example.com"


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


async def test_an_address_that_signs_in_is_one_accounts(services: Services) -> None:
    """Who has a password besides is refused the address of another who has one."""
    account_id = await add_account(services, "own@example.com")
    await add_account(services, "other@example.com")
    async with services.transaction() as tx:
        with pytest.raises(AddressTaken):
            await customers.update_profile(tx, account_id, {"email": "Other@example.com"})
        after = await customers.update_profile(tx, account_id, {"email": "new@example.com"})
    assert after.email == "new@example.com"


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
