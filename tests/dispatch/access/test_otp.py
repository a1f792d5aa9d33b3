"""One-time codes: budgets, guesses, single use, binding, and what is kept of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path

import pytest

from dispatch.access import otp
from dispatch.errors import DispatchError, Invalid
from dispatch.parties import customers
from dispatch.services import Services
from storage import alerts
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, PHONE, code_in_outbox, everything, make_services, refresh, send_code, wrong
from tests.near import near_misses


async def attempts(services: Services, phone: str = PHONE) -> int:
    async with services.read() as conn:
        return int(
            await conn.fetchval("SELECT attempts FROM otp_challenges WHERE phone = $1 AND used_at IS NULL", phone)
        )


async def guess(
    services: Services, code: str, phone: str = PHONE, purpose: str = "login", ip: str | None = None
) -> otp.Verdict:
    async with services.transaction() as tx:
        return await otp.guess(tx, phone, purpose, code, ip)


async def test_a_code_signs_in_once(services: Services) -> None:
    code = await send_code(services)
    assert len(code) == 6
    assert await guess(services, code) is otp.Verdict.RIGHT
    assert await guess(services, code) is otp.Verdict.WRONG


async def test_near_misses_of_a_code_are_wrong(services: Services) -> None:
    code = await send_code(services)
    for miss in near_misses(code):
        assert await guess(services, miss) is otp.Verdict.WRONG, miss
        # What is tried here is the comparison, not how often.
        async with services.transaction() as tx:
            await tx.conn.execute("UPDATE otp_challenges SET attempts = 0")
    assert await guess(services, code) is otp.Verdict.RIGHT


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


async def open_alerts(services: Services) -> list[str]:
    async with services.read() as conn:
        return sorted(alert.kind for alert in await alerts.open_ones(conn, limit=10))


async def test_the_day_has_a_budget_and_staff_hear_of_it(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"sends_per_day": 5})
    for n in range(3):
        await send_code(services, f"+91123456780{n}")
    assert await open_alerts(services) == []
    await send_code(services, "+911234567803")
    assert await open_alerts(services) == [otp.RUNNING_OUT]
    await send_code(services, "+911234567804")
    for _ in range(2):
        with pytest.raises(otp.TooManyCodes) as refusal:
            await send_code(services)
        assert 0 < (refusal.value.retry_after_s or 0) <= 24 * 3600
    assert await open_alerts(services) == [otp.RUNNING_OUT, otp.USED_UP]
    async with services.transaction() as tx:
        assert await tx.conn.fetchval("SELECT count(*) FROM outbox") == 5
        await tx.conn.execute("UPDATE day_counts SET day = day - 1")
    await send_code(services)
    assert await open_alerts(services) == [], "a new day settles them"


async def test_parallel_sends_share_the_day(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"sends_per_day": 3})
    sends = (send_code(services, f"+91123456780{n}") for n in range(6))
    results = await asyncio.gather(*sends, return_exceptions=True)
    assert sum(isinstance(r, otp.TooManyCodes) for r in results) == 3
    assert await open_alerts(services) == [otp.RUNNING_OUT, otp.USED_UP]


async def test_codes_go_to_phones_of_the_allowed_regions_alone(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"regions": ["IN", "US"]})
    await send_code(services, PHONE)
    await send_code(services, "+12125550100")
    for refused in ("+18765550100", "+447911123456"):  # Jamaica shares the code of the USA.
        with pytest.raises(Invalid) as refusal:
            await send_code(services, refused, ip="192.0.2.1")
        assert refusal.value.fields.keys() == {"phone_number"}
    await send_code(services, "owner@example.com", "new_password")
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 3
        assert await conn.fetchval("SELECT used FROM day_counts") == 3
        assert not await conn.fetchval("SELECT count(*) FROM quotas WHERE key LIKE 'otp:ip:%'")


async def test_a_strangers_guesses_do_not_end_the_code_of_who_asked(services: Services) -> None:
    code = await send_code(services, ip="2001:db8::1")
    for ip in ("192.0.2.1", "192.0.2.2", "192.0.2.1", None, "2001:db8:0:1::1"):
        assert await guess(services, wrong(code), ip=ip) is otp.Verdict.WRONG
    assert await guess(services, code, ip="192.0.2.3") is otp.Verdict.DEAD, "strangers have five together"
    for _ in range(4):
        assert await guess(services, wrong(code), ip="2001:db8::2") is otp.Verdict.WRONG
    assert await guess(services, code, ip="2001:db8::3") is otp.Verdict.RIGHT


async def test_who_asked_has_five_guesses_and_a_new_code_has_new_ones(services: Services) -> None:
    for _ in range(2):
        code = await send_code(services, ip="192.0.2.1")
        for ip in ("192.0.2.1", "192.0.2.9"):
            verdicts = [await guess(services, wrong(code), ip=ip) for _ in range(6)]
            assert verdicts == [otp.Verdict.WRONG] * 5 + [otp.Verdict.DEAD]


async def test_wrong_guesses_of_a_network_are_limited_before_a_code_counts_them(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"guesses_per_ip_per_hour": 2})
    for _ in range(2):
        code = await send_code(services, ip="192.0.2.1")
        assert await guess(services, code, ip="192.0.2.1") is otp.Verdict.RIGHT
    code = await send_code(services, ip="192.0.2.1")
    for _ in range(2):
        assert await guess(services, wrong(code), OTHER_PHONE, ip="192.0.2.9") is otp.Verdict.WRONG
    refusals = []
    for phone in (PHONE, OTHER_PHONE):
        with pytest.raises(otp.TooManyWrong) as refusal:
            await customers.sign_in(services, phone, wrong(code), ip="192.0.2.9")
        refusals.append((refusal.value.code, refusal.value.message))
        assert 3500 < (refusal.value.retry_after_s or 0) <= 3600
    assert refusals[0] == refusals[1], "whether a phone is known or not"
    async with services.read() as conn:
        counted = await conn.fetchrow("SELECT attempts, strange_attempts FROM otp_challenges WHERE used_at IS NULL")
    assert tuple(counted) == (0, 0)
    assert await guess(services, code, ip="192.0.2.1") is otp.Verdict.RIGHT


async def test_a_site_of_many_ipv6_subscribers_has_its_share_of_wrong_guesses(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, otp={"guesses_per_ip_per_hour": 1})
    for n in range(4):
        assert await guess(services, "123456", ip=f"2001:db8:7:{n}::1") is otp.Verdict.WRONG
    with pytest.raises(otp.TooManyWrong):
        await guess(services, "123456", ip="2001:db8:7:9::1")
    assert await guess(services, "123456", ip="2001:db8:8::1") is otp.Verdict.WRONG


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
