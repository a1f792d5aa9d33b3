"""One-time codes: budgets, guesses, single use, binding, and what is kept of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path

import pytest

from dispatch.access import otp
from dispatch.errors import DispatchError
from dispatch.parties import customers
from dispatch.services import Services
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, PHONE, code_in_outbox, everything, make_services, refresh, send_code, wrong


async def attempts(services: Services, phone: str = PHONE) -> int:
    async with services.read() as conn:
        return int(
            await conn.fetchval("SELECT attempts FROM otp_challenges WHERE phone = $1 AND used_at IS NULL", phone)
        )


async def guess(services: Services, code: str, phone: str = PHONE, purpose: str = "login") -> otp.Verdict:
    async with services.transaction() as tx:
        return await otp.guess(tx, phone, purpose, code)


async def test_a_code_signs_in_once(services: Services) -> None:
    code = await send_code(services)
    assert len(code) == 6
    assert await guess(services, code) is otp.Verdict.RIGHT
    assert await guess(services, code) is otp.Verdict.WRONG


async def test_wrong_guesses_are_counted_although_sign_in_fails(services: Services) -> None:
    code = await send_code(services)
    for n in range(1, 6):
        with pytest.raises(otp.InvalidOtp):
            await customers.sign_in(services, PHONE, wrong(code))
        assert await attempts(services) == n
    with pytest.raises(otp.TooManyGuesses):
        await customers.sign_in(services, PHONE, code)


async def test_ten_parallel_guesses_count_five(services: Services) -> None:
    code = await send_code(services)
    verdicts = Counter(await asyncio.gather(*(guess(services, wrong(code)) for _ in range(10))))
    assert verdicts == {otp.Verdict.WRONG: 5, otp.Verdict.DEAD: 5}
    assert await attempts(services) == 5
    assert await guess(services, code) is otp.Verdict.DEAD


async def test_parallel_right_guesses_use_it_once(services: Services) -> None:
    code = await send_code(services)
    verdicts = Counter(await asyncio.gather(*(guess(services, code) for _ in range(5))))
    assert verdicts[otp.Verdict.RIGHT] == 1


async def test_five_parallel_sends_pass_three(services: Services) -> None:
    results = await asyncio.gather(*(send_code(services) for _ in range(5)), return_exceptions=True)
    refused = [r for r in results if isinstance(r, otp.TooManyCodes)]
    assert len(refused) == 2
    assert all(3500 < (r.retry_after_s or 0) <= 3600 for r in refused)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 3


async def test_the_hour_slides(services: Services) -> None:
    for _ in range(3):
        await send_code(services)
    async with services.transaction() as tx:
        await tx.conn.execute(
            "UPDATE quotas SET hits = ARRAY(SELECT h - interval '61 minutes' FROM unnest(hits) h) "
            "WHERE key LIKE 'otp:phone:%'"
        )
    await send_code(services)


async def test_other_phones_have_their_own_three(services: Services) -> None:
    for _ in range(3):
        await send_code(services)
    await send_code(services, OTHER_PHONE)


async def test_an_address_has_a_budget_and_a_ipv6_subscriber_one_for_all(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"sends_per_ip_per_hour": 2})
    await send_code(services, "+911234567801", ip="2001:db8::1")
    await send_code(services, "+911234567802", ip="2001:db8::ffff")
    with pytest.raises(otp.TooManyCodes):
        await send_code(services, "+911234567803", ip="2001:db8:0:0:1::1")
    await send_code(services, "+911234567803", ip="2001:db8:0:1::1")
    await send_code(services, "+911234567804", ip="192.0.2.1")


async def test_a_site_of_many_ipv6_subscribers_has_a_budget_too(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"sends_per_ip_per_hour": 2})
    for n in range(8):
        await send_code(services, f"+9112345679{n:02d}", ip=f"2001:db8:7:{n:x}::1")
    with pytest.raises(otp.TooManyCodes):
        await send_code(services, "+911234567999", ip="2001:db8:7:ff::1")
    await send_code(services, "+911234567999", ip="2001:db8:8::1")


async def test_the_installation_has_a_budget(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"sends_per_minute": 1})
    await send_code(services)
    with pytest.raises(otp.TooManyCodes):
        await send_code(services, OTHER_PHONE)


async def test_a_refused_send_leaves_the_present_code_alone(services: Services) -> None:
    for _ in range(2):
        await send_code(services)
    code = await send_code(services)
    with pytest.raises(otp.TooManyCodes):
        await send_code(services)
    assert await guess(services, code) is otp.Verdict.RIGHT


async def test_a_new_code_replaces_the_old_one_and_its_guesses(services: Services) -> None:
    old = await send_code(services)
    for _ in range(5):
        await guess(services, wrong(old))
    new = await send_code(services)
    if old != new:
        assert await guess(services, old) is otp.Verdict.WRONG
    assert await guess(services, new) is otp.Verdict.RIGHT
    async with services.read() as conn:
        states = await conn.fetch("SELECT state, body FROM outbox ORDER BY id")
    assert [s["state"] for s in states] == ["dead", "pending"]
    assert states[0]["body"] == "", "a superseded code is not kept"


async def test_a_code_is_bound_to_phone_and_purpose(services: Services) -> None:
    code = await send_code(services)
    assert await guess(services, code, OTHER_PHONE) is otp.Verdict.WRONG
    assert await guess(services, code, purpose="reset_password") is otp.Verdict.WRONG
    assert await guess(services, code) is otp.Verdict.RIGHT


async def test_a_code_ends_after_five_minutes(services: Services) -> None:
    code = await send_code(services)
    async with services.transaction() as tx:
        left = await tx.conn.fetchval("SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM otp_challenges")
        assert 290 < left <= 300
        await tx.conn.execute("UPDATE otp_challenges SET expires_at = clock_timestamp() - interval '1 ms'")
    assert await guess(services, code) is otp.Verdict.WRONG


async def test_unknown_and_known_phones_get_the_same(services: Services) -> None:
    code = await send_code(services)
    await customers.sign_in(services, PHONE, code)
    async with services.transaction() as tx:
        known = await otp.send(tx, PHONE, "login", None)
        unknown = await otp.send(tx, OTHER_PHONE, "login", None)
    assert known == unknown == 300
    failures = []
    for phone in (PHONE, OTHER_PHONE):
        code = await code_in_outbox(services, phone)
        with pytest.raises(DispatchError) as failure:
            await customers.sign_in(services, phone, wrong(code))
        failures.append((failure.value.code, failure.value.message))
    assert failures[0] == failures[1]


async def test_codes_and_tokens_are_kept_nowhere_in_production(
    fresh_pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    services = make_services(fresh_pool, tmp_path, env="production")
    monkeypatch.setattr("dispatch.access.otp.secrets.randbelow", lambda _: 738_291)
    async with services.transaction() as tx:
        await otp.send(tx, PHONE, "login", "192.0.2.7")
    signed_in = await customers.sign_in(services, PHONE, "738291")
    await refresh(services, "customer", signed_in.pair.refresh_token)
    dump = await everything(fresh_pool)
    for secret in ("738291", signed_in.pair.access_token, signed_in.pair.refresh_token):
        assert secret not in dump
        assert secret not in caplog.text


async def test_in_development_only_the_outbox_has_the_code(
    services: Services, fresh_pool: Pool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("dispatch.access.otp.secrets.randbelow", lambda _: 738_291)
    await send_code(services)
    dump = await everything(fresh_pool)
    lines = [line for line in dump.splitlines() if "738291" in line]
    assert lines and all(line.startswith("outbox:") for line in lines)
    assert "738291" not in caplog.text
    assert PHONE not in "\n".join(line for line in dump.splitlines() if line.startswith("quotas:"))
