"""Signing in with a password: which membership, how many tries, and what a new password ends."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest

from dispatch.access import passwords, signing, totp
from dispatch.access.otp import InvalidOtp, TooManyGuesses
from dispatch.access.passwords import LinkRefused, make_link
from dispatch.access.signing import GUESSES_HERE, NoMembership, TooManyTries, WrongCredentials
from dispatch.errors import DispatchError, Invalid
from dispatch.live.sessions import Ending, RefreshRefused
from dispatch.services import Services, Tx
from tests.identity import code_in_outbox, refresh
from tests.parties import PASSWORD, add_account, add_membership, add_party, set_status
from tests.turns import until_waiting

EMAIL = "asha@example.com"


async def test_the_only_membership_is_meant(services: Services) -> None:
    party_id = await add_party(services, "organisation", "ORG-1")
    account_id = await add_account(services, EMAIL)
    membership_id = await add_membership(services, account_id, "organisation", "owner", party_id)
    done = await signing.sign_in(services, EMAIL.upper(), PASSWORD)
    assert done.tie.id == membership_id and done.others == () and done.tie.party_name == "ORG-1"
    assert services.tokens.read(done.pair.access_token, "organisation").subject == str(membership_id)
    assert await services.sessions.alive(done.pair.session_id, "organisation")
    await set_status(services, membership_id, "suspended")
    assert await services.sessions.dead_among([done.pair.session_id])


async def test_of_several_the_named_or_the_first_of_the_order(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    for realm, kind in (("integration", "integration"), ("organisation", "organisation"), ("provider", "provider")):
        await add_membership(services, account_id, realm, "owner", await add_party(services, kind, f"{kind}-1"))
    await add_membership(services, account_id, "admin", "support")
    assert (await signing.sign_in(services, EMAIL, PASSWORD)).tie.realm == "provider"
    done = await signing.sign_in(services, EMAIL, PASSWORD, audience="organisation")
    assert done.tie.realm == "organisation"
    assert {tie.realm for tie in done.others} == {"provider", "integration", "admin"}
    with pytest.raises(NoMembership):
        await signing.sign_in(services, EMAIL, PASSWORD, audience="erp")


async def test_who_belongs_nowhere_and_who_is_blocked(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    with pytest.raises(NoMembership):
        await signing.sign_in(services, EMAIL, PASSWORD)
    await add_membership(services, account_id, "admin", "support")
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false")
    with pytest.raises(WrongCredentials):
        await signing.sign_in(services, EMAIL, PASSWORD)


async def test_a_stranger_does_not_lock_the_owner_out(services: Services) -> None:
    await add_membership(services, await add_account(services, EMAIL), "admin", "support")
    for _ in range(GUESSES_HERE):
        with pytest.raises(WrongCredentials):
            await signing.sign_in(services, EMAIL, "wrong password", ip="198.51.100.9")
    with pytest.raises(TooManyTries):
        await signing.sign_in(services, EMAIL, PASSWORD, ip="198.51.100.9")
    assert (await signing.sign_in(services, EMAIL, PASSWORD, ip="192.0.2.1")).tie.realm == "admin"


async def test_an_unknown_address_is_answered_alike_and_counted_alike(services: Services) -> None:
    for _ in range(GUESSES_HERE):
        with pytest.raises(WrongCredentials):
            await signing.sign_in(services, "nobody@example.com", "wrong password", ip="198.51.100.9")
    with pytest.raises(TooManyTries):
        await signing.sign_in(services, "nobody@example.com", "wrong password", ip="198.51.100.9")


async def test_right_passwords_are_not_counted(services: Services) -> None:
    await add_membership(services, await add_account(services, EMAIL), "admin", "support")
    for _ in range(GUESSES_HERE + 2):
        await signing.sign_in(services, EMAIL, PASSWORD, ip="192.0.2.1")


async def test_another_membership_is_taken(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    one, other = await add_party(services, "provider", "P-1"), await add_party(services, "provider", "P-2")
    first = await add_membership(services, account_id, "provider", "owner", one)
    second = await add_membership(services, account_id, "provider", "staff", other)
    stranger = await add_account(services, "other@example.com")
    foreign = await add_membership(services, stranger, "admin", "support")
    came_by = (await signing.sign_in(services, EMAIL, PASSWORD)).pair.session_id
    async with services.transaction() as tx:
        done = await signing.switch(tx, account_id, second, came_by=came_by)
    assert done.tie.id == second and [tie.id for tie in done.others] == [first]
    with pytest.raises(NoMembership):
        async with services.transaction() as tx:
            await signing.switch(tx, account_id, foreign, came_by=came_by)


async def test_a_forgotten_password(services: Services) -> None:
    await add_membership(services, await add_account(services, EMAIL), "admin", "support")
    before = await signing.sign_in(services, EMAIL, PASSWORD)
    await signing.ask_new_password(services, EMAIL, "192.0.2.1")
    code = await code_in_outbox(services, EMAIL)
    with pytest.raises(Invalid):
        await signing.reset_password(services, EMAIL, code, "short")
    with pytest.raises(InvalidOtp):
        await signing.reset_password(services, EMAIL, f"{(int(code) + 1) % 1_000_000:06d}", "another password")
    await signing.reset_password(services, EMAIL, code, "another password")
    assert not await services.sessions.alive(before.pair.session_id, "admin")
    with pytest.raises(WrongCredentials):
        await signing.sign_in(services, EMAIL, PASSWORD)
    await signing.sign_in(services, EMAIL, "another password")
    with pytest.raises(InvalidOtp):
        await signing.reset_password(services, EMAIL, code, "a third password")


async def test_an_unknown_mailbox_gets_nothing(services: Services) -> None:
    known = await signing.ask_new_password(services, "nobody@example.com", "192.0.2.1")
    assert known == services.settings.otp.life_s
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_temporary_password_is_changed(services: Services) -> None:
    account_id = await add_account(services, EMAIL, must_change=True)
    await add_membership(services, account_id, "admin", "support")
    assert (await signing.sign_in(services, EMAIL, PASSWORD)).must_change_password
    with pytest.raises(Invalid):
        await signing.change_password(services, EMAIL, PASSWORD, PASSWORD)
    await signing.change_password(services, EMAIL, PASSWORD, "another password")
    assert not (await signing.sign_in(services, EMAIL, "another password")).must_change_password


async def test_a_link_ends_the_sign_ins(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    await add_membership(services, account_id, "admin", "support")
    before = await signing.sign_in(services, EMAIL, PASSWORD)
    async with services.transaction() as tx:
        token = await make_link(tx, account_id)
    assert await signing.use_link(services, token, "another password") == account_id
    assert not await services.sessions.alive(before.pair.session_id, "admin")
    with pytest.raises(LinkRefused):
        await signing.use_link(services, token, "another password")


async def _changed(services: Services, how: str, account_id: UUID, kept: UUID) -> None:
    if how == "by the old one":
        await signing.change_password(services, EMAIL, PASSWORD, "another password")
    elif how == "while signed in":
        await signing.renew_password(services, account_id, PASSWORD, "another password", kept=kept)
    elif how == "forgotten":
        await signing.ask_new_password(services, EMAIL, "192.0.2.1")
        await signing.reset_password(services, EMAIL, await code_in_outbox(services, EMAIL), "another password")
    else:
        async with services.transaction() as tx:
            token = await make_link(tx, account_id)
        await signing.use_link(services, token, "another password")


@pytest.mark.parametrize("how", ["by the old one", "while signed in", "forgotten", "by a link"])
async def test_a_new_password_ends_every_refresh_token_of_the_account(services: Services, how: str) -> None:
    account_id = await add_account(services, EMAIL)
    for realm in ("admin", "organisation"):
        party_id = None if realm == "admin" else await add_party(services, realm, "ORG-1")
        await add_membership(services, account_id, realm, "support" if party_id is None else "owner", party_id)
    stranger = await add_account(services, "other@example.com")
    await add_membership(services, stranger, "admin", "support")
    kept = await signing.sign_in(services, EMAIL, PASSWORD, audience="admin")
    before = [await signing.sign_in(services, EMAIL, PASSWORD, audience=a) for a in ("admin", "organisation")]
    elsewhere = await signing.sign_in(services, "other@example.com", PASSWORD)
    await _changed(services, how, account_id, kept.pair.session_id)
    for done in before:
        with pytest.raises(RefreshRefused):
            await refresh(services, done.tie.realm, done.pair.refresh_token)
    if how == "while signed in":
        await refresh(services, "admin", kept.pair.refresh_token)
    else:
        with pytest.raises(RefreshRefused):
            await refresh(services, "admin", kept.pair.refresh_token)
    await refresh(services, "admin", elsewhere.pair.refresh_token)


async def test_a_code_is_for_the_address_however_it_is_spelled(services: Services) -> None:
    await add_membership(services, await add_account(services, EMAIL), "admin", "support")
    await signing.ask_new_password(services, EMAIL.upper(), "192.0.2.1")
    code = await code_in_outbox(services, EMAIL)
    await signing.reset_password(services, EMAIL.title(), code, "another password")
    await signing.sign_in(services, EMAIL, "another password")


async def test_no_counter_keeps_the_address(services: Services) -> None:
    with pytest.raises(WrongCredentials):
        await signing.sign_in(services, EMAIL, "wrong password", ip="192.0.2.1")
    async with services.read() as conn:
        keys = [row["key"] for row in await conn.fetch("SELECT key FROM quotas")]
    assert len(keys) == 3 and not any("asha" in key for key in keys)


# ---------------------------------------------------------------- at the same time as a new password


async def _reset_by_the_owner(tx: Tx, account_id: UUID, password_hash: str) -> None:
    await passwords.set_password(tx, account_id, password_hash, proves_email=True)
    await signing.end_sign_ins(tx, account_id, Ending.PASSWORD_CHANGED)


async def _beside_a_reset(services: Services, account_id: UUID, work: Coroutine[Any, Any, Any]) -> Any:
    """Starts what somebody does with the old password before the owner's new one is committed; what came of it."""
    password_hash = await passwords.hashed("the owner's new one")
    async with services.transaction() as tx:
        await _reset_by_the_owner(tx, account_id, password_hash)
        task = asyncio.create_task(work)
        await until_waiting(services, task)
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    return outcome


async def _open_sessions(services: Services) -> int:
    async with services.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM sessions WHERE revoked_at IS NULL"))


async def test_a_sign_in_under_way_with_the_old_password_does_not_outlive_the_new_one(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    await add_membership(services, account_id, "admin", "support")
    outcome = await _beside_a_reset(services, account_id, signing.sign_in(services, EMAIL, PASSWORD))
    assert isinstance(outcome, WrongCredentials)
    assert await _open_sessions(services) == 0


async def test_nor_does_its_second_step(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    await add_membership(services, account_id, "admin", "support")
    async with services.transaction() as tx:
        secret, _ = await totp.enrol(tx, account_id, EMAIL)
        key, now = base64.b32decode(secret), totp.step_at(time.time())
        await totp.confirm(tx, account_id, totp.code_at(key, now - 1))
    with pytest.raises(totp.SecondStep) as asked:
        await signing.sign_in(services, EMAIL, PASSWORD)
    step = signing.second_step(services, asked.value.details["challenge"], totp.code_at(key, now + 1))
    assert isinstance(await _beside_a_reset(services, account_id, step), totp.ChallengeOver)
    assert await _open_sessions(services) == 0


@pytest.mark.parametrize("how", ["by the old one", "while signed in"])
async def test_whoever_knows_the_old_password_does_not_take_the_new_one_away(services: Services, how: str) -> None:
    account_id = await add_account(services, EMAIL)
    await add_membership(services, account_id, "admin", "support")
    kept = (await signing.sign_in(services, EMAIL, PASSWORD)).pair.session_id
    outcome = await _beside_a_reset(services, account_id, _changed(services, how, account_id, kept))
    assert isinstance(outcome, WrongCredentials | signing.InvalidPassword)
    assert (await signing.sign_in(services, EMAIL, "the owner's new one")).tie.account_id == account_id


async def test_a_sign_in_that_has_ended_opens_no_other(services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    await add_membership(services, account_id, "provider", "owner", await add_party(services, "provider", "P-1"))
    second = await add_membership(services, account_id, "admin", "support")
    done = await signing.sign_in(services, EMAIL, PASSWORD)
    came_by = done.pair.session_id

    async def switch() -> signing.SignedIn:
        async with services.transaction() as tx:
            return await signing.switch(tx, account_id, second, came_by=came_by)

    outcome = await _beside_a_reset(services, account_id, switch())
    assert isinstance(outcome, signing.SignInOver)
    with pytest.raises(signing.SignInOver):
        await switch()
    assert await _open_sessions(services) == 0


async def test_a_switch_still_asks_for_another_password(services: Services) -> None:
    account_id = await add_account(services, EMAIL, must_change=True)
    provider = await add_party(services, "provider", "P-1")
    first = await add_membership(services, account_id, "provider", "owner", provider)
    came_by = (await signing.sign_in(services, EMAIL, PASSWORD)).pair.session_id
    async with services.transaction() as tx:
        assert (await signing.switch(tx, account_id, first, came_by=came_by)).must_change_password


async def test_guesses_at_a_code_do_not_tell_who_signs_in_here(services: Services) -> None:
    await add_membership(services, await add_account(services, EMAIL), "admin", "support")
    heard = []
    for email in (EMAIL, "nobody@example.com"):
        await signing.ask_new_password(services, email, "192.0.2.1")
        told = []
        for _ in range(services.settings.otp.tries + 1):
            try:
                await signing.reset_password(services, email, "000000", "another password", ip="192.0.2.1")
            except DispatchError as error:
                told.append(type(error))
        heard.append(told)
    assert heard[0] == heard[1] and heard[0][-1] is TooManyGuesses
