"""Passwords: what is taken, how it is kept, and links that set one."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from dispatch.access import passwords
from dispatch.access.passwords import HASHER, LEAST_CHARS, MOST_CHARS, LinkRefused
from dispatch.errors import Invalid
from dispatch.services import Services
from storage import accounts as account_rows
from tests.parties import PASSWORD, add_account


@pytest.mark.parametrize("password", ["", "1234567", " " * 9, "x" * (MOST_CHARS + 1)])
def test_what_is_no_password_is_named(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        passwords.check(password, "new_password")
    assert set(caught.value.details) == {"new_password"} or "new_password" in str(caught.value.details)


@pytest.mark.parametrize("password", ["x" * LEAST_CHARS, "x" * MOST_CHARS, "पासवर्ड अच्छा है", "a b c d e"])
async def test_what_is_one_is_hashed_and_found_again(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    # As the product does it.
    monkeypatch.setattr(passwords, "HASHER", HASHER)
    kept = await passwords.hashed(password)
    assert kept.startswith("$argon2id$") and password not in kept
    assert extract_parameters(kept) == RFC_9106_LOW_MEMORY
    assert await passwords.matches(kept, password)


async def test_near_misses_do_not_match() -> None:
    kept = await passwords.hashed(PASSWORD)
    misses = [PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "X" + PASSWORD[1:], PASSWORD[:-1] + "x", ""]
    assert [await passwords.matches(kept, miss) for miss in misses] == [False] * len(misses)


async def test_nobody_has_a_password() -> None:
    assert not await passwords.matches(None, PASSWORD)
    assert not await passwords.matches("not a hash", PASSWORD)


async def test_a_link_sets_the_password_once(services: Services) -> None:
    account_id = await add_account(services, "asha@example.com", None)
    async with services.transaction() as tx:
        token = await passwords.make_link(tx, account_id)
    new = await passwords.hashed("another password")

    async def use() -> bool:
        try:
            async with services.transaction() as tx:
                return await passwords.use_link(tx, token, new) == account_id
        except LinkRefused:
            return False

    assert sorted(await asyncio.gather(*(use() for _ in range(4)))) == [False, False, False, True]
    async with services.read() as conn:
        found = await account_rows.credentials(conn, email="ASHA@example.com")
    assert found is not None and await passwords.matches(found.password_hash, "another password")


async def test_a_new_password_ends_the_links(services: Services) -> None:
    account_id = await add_account(services, "asha@example.com", None)
    new = await passwords.hashed("another password")
    async with services.transaction() as tx:
        token = await passwords.make_link(tx, account_id)
        await passwords.set_password(tx, account_id, new)
    with pytest.raises(LinkRefused):
        async with services.transaction() as tx:
            await passwords.use_link(tx, token, new)


@pytest.mark.parametrize("forge", [lambda t: t[:-1], lambda t: t + "A", lambda t: "-_"[t[0] == "-"] + t[1:]])
async def test_a_forged_or_old_link_is_refused(services: Services, forge: object) -> None:
    account_id = await add_account(services, "asha@example.com", None)
    new = await passwords.hashed("another password")
    async with services.transaction() as tx:
        token = await passwords.make_link(tx, account_id)
        over = await passwords.make_link(tx, account_id, life_s=-1)
    for bad in (forge(token), over):  # type: ignore[operator]
        with pytest.raises(LinkRefused):
            async with services.transaction() as tx:
                await passwords.use_link(tx, bad, new)
