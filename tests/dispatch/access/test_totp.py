"""The second factor: the RFC's own vectors, each code once, recovery codes once, guesses counted."""

from __future__ import annotations

import asyncio
import base64
import time
from uuid import UUID

import pytest

from dispatch.access import totp
from dispatch.access.totp import AlreadyOn, NotOn, TooManyCodes, WrongCode
from dispatch.errors import DispatchError
from dispatch.services import Services
from tests.identity import everything, wrong
from tests.near import near_misses
from tests.parties import add_account


@pytest.mark.parametrize(("unix_s", "code"), [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
])  # fmt: skip
def test_the_vectors_of_rfc_6238(unix_s: int, code: str) -> None:
    secret = b"12345678901234567890"
    assert totp.code_at(secret, totp.step_at(unix_s)) == code
    assert totp.matching_step(secret, code, unix_s + 30) == totp.step_at(unix_s)
    assert totp.matching_step(secret, code, unix_s + 60.0 + 30) is None


def test_near_misses_match_no_step() -> None:
    secret = b"12345678901234567890"
    for miss in near_misses("081804"):
        assert totp.matching_step(secret, miss, 1111111109) is None, miss


async def enrolled(services: Services, account_id: UUID) -> bytes:
    async with services.transaction() as tx:
        text, uri = await totp.enrol(tx, account_id, "asha@example.com")
    assert text in uri and uri.startswith("otpauth://totp/")
    return base64.b32decode(text)


def code_now(secret: bytes, steps: int = 0) -> str:
    return totp.code_at(secret, totp.step_at(time.time()) + steps)


async def switched_on(services: Services) -> tuple[UUID, bytes, list[str]]:
    account_id = await add_account(services, "asha@example.com", None)
    secret = await enrolled(services, account_id)
    async with services.transaction() as tx:
        codes = await totp.confirm(tx, account_id, code_now(secret, -1))
    return account_id, secret, codes


async def test_it_counts_once_a_code_of_it_was_shown(services: Services) -> None:
    account_id = await add_account(services, "asha@example.com", None)
    with pytest.raises(NotOn):
        await totp.use(services, account_id, "123456")
    await enrolled(services, account_id)
    secret = await enrolled(services, account_id)
    async with services.read() as conn:
        assert not await totp.is_on(conn, account_id)
    with pytest.raises(WrongCode):
        async with services.transaction() as tx:
            await totp.confirm(tx, account_id, wrong(wrong(code_now(secret))))
    async with services.transaction() as tx:
        await totp.confirm(tx, account_id, code_now(secret))
    async with services.read() as conn:
        assert await totp.is_on(conn, account_id)
    with pytest.raises(AlreadyOn):
        await enrolled(services, account_id)


async def test_a_code_counts_with_the_blanks_that_apps_show(services: Services) -> None:
    account_id = await add_account(services, "asha@example.com", None)
    secret = await enrolled(services, account_id)
    for step, work in ((-1, "confirm"), (0, "use")):
        code = code_now(secret, step)
        written = f" {code[:3]} {code[3:]}"
        if work == "use":
            await totp.use(services, account_id, written)
            continue
        async with services.transaction() as tx:
            await totp.confirm(tx, account_id, written)


async def test_each_code_is_good_once_also_at_once(services: Services) -> None:
    account_id, secret, _ = await switched_on(services)
    code = code_now(secret)
    done = await asyncio.gather(*(totp.use(services, account_id, code) for _ in range(5)), return_exceptions=True)
    assert sorted(type(d).__name__ for d in done) == ["NoneType"] + ["WrongCode"] * 4
    with pytest.raises(WrongCode):
        await totp.use(services, account_id, code_now(secret, -1))
    await totp.use(services, account_id, code_now(secret, 1))


async def test_a_recovery_code_is_good_once_however_it_is_written(services: Services) -> None:
    account_id, _, codes = await switched_on(services)
    assert len(set(codes)) == totp.RECOVERY_CODES
    done = await asyncio.gather(
        *(totp.use(services, account_id, codes[0].upper().replace("-", " ")) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(d).__name__ for d in done) == ["NoneType"] + ["WrongCode"] * 3
    async with services.transaction() as tx:
        new = await totp.new_codes(tx, account_id)
    with pytest.raises(WrongCode):
        await totp.use(services, account_id, codes[1])
    await totp.use(services, account_id, new[0])


async def test_a_recovery_code_is_of_its_own_account(services: Services) -> None:
    _, _, codes = await switched_on(services)
    other = await add_account(services, "else@example.com", None)
    secret = await enrolled(services, other)
    async with services.transaction() as tx:
        await totp.confirm(tx, other, code_now(secret))
    with pytest.raises(WrongCode):
        await totp.use(services, other, codes[0])


async def test_a_right_code_forgets_the_guesses_before_it(services: Services) -> None:
    account_id, _, codes = await switched_on(services)
    for code in codes[:2]:
        for _ in range(totp.GUESSES - 1):
            with pytest.raises(WrongCode):
                await totp.use(services, account_id, "no such code")
        await totp.use(services, account_id, code)


async def test_guesses_are_counted(services: Services) -> None:
    account_id, secret, _ = await switched_on(services)
    for _ in range(totp.GUESSES):
        with pytest.raises(WrongCode):
            await totp.use(services, account_id, "no such code")
    with pytest.raises(TooManyCodes):
        await totp.use(services, account_id, code_now(secret))


async def test_neither_secret_nor_codes_can_be_read_in_the_database(services: Services) -> None:
    _, secret, codes = await switched_on(services)
    kept = await everything(services.pool)
    assert base64.b32encode(secret).decode() not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


async def test_a_challenge_is_over_with_the_password(services: Services) -> None:
    account_id = await add_account(services, "asha@example.com", None)
    asked = totp.challenge(services, account_id, "hash of the password")
    found, mark = totp.challenged(services, asked.details["challenge"])
    assert found == account_id
    totp.check_password_stands(services, mark, "hash of the password")
    for other in ("another hash", None):
        with pytest.raises(DispatchError):
            totp.check_password_stands(services, mark, other)
    with pytest.raises(totp.ChallengeOver):
        totp.challenged(services, "no challenge")
