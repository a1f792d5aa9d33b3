"""Sign-ins: rotation, theft, grace, ends, and how soon each node knows. Time moves by updating rows."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dispatch import bus
from dispatch.errors import NotSignedIn
from dispatch.live import standing as module
from dispatch.live.sessions import GRACE_S, Ending, Pair, RefreshRefused
from dispatch.parties import customers
from dispatch.services import Services, Tx
from storage.database.pool import Pool
from tests.identity import PHONE, add_technician, make_services, refresh, send_code
from tests.processes import ROOT
from tests.turns import one_after_the_other


async def sign_in(services: Services, phone: str = PHONE) -> Pair:
    signed_in = await customers.sign_in(services, phone, await send_code(services, phone))
    return signed_in.pair


async def age_rotation(services: Services, session_id: UUID, by: str) -> None:
    async with services.transaction() as tx:
        await tx.conn.execute(
            f"UPDATE sessions SET rotated_at = rotated_at - interval '{by}' WHERE id = $1",  # noqa: S608
            session_id,
        )


async def hints(services: Services) -> list[dict[str, Any]]:
    """What was said of revoked sessions from now on; the bus delivers on the next turn."""
    heard: list[dict[str, Any]] = []
    services.bus.subscribe(bus.SESSION_REVOKED, heard.append)
    return heard


async def test_a_pair_lives_fifteen_minutes_and_seven_days(services: Services) -> None:
    pair = await sign_in(services)
    claims = services.tokens.read(pair.access_token, "customer")
    assert claims.expires_at - claims.issued_at == pair.expires_in == 900
    assert claims.session_id == pair.session_id
    async with services.read() as conn:
        left = await conn.fetchval("SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM sessions")
    assert 7 * 86400 - 10 < left <= 7 * 86400


async def test_refresh_rotates(services: Services) -> None:
    first = await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    third = await refresh(services, "customer", second.refresh_token)
    assert third.refresh_token not in (first.refresh_token, second.refresh_token)


async def test_an_older_token_ends_the_family_at_once(services: Services) -> None:
    first = await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    third = await refresh(services, "customer", second.refresh_token)
    assert await services.sessions.alive(first.session_id, "customer")
    heard = await hints(services)
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", first.refresh_token)
    assert not await services.sessions.alive(first.session_id, "customer")
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", third.refresh_token)
    await asyncio.sleep(0)
    assert heard == [{"realm": "customer", "session_id": str(first.session_id)}]
    async with services.read() as conn:
        assert await conn.fetchval("SELECT revoked_reason FROM sessions") == Ending.TOKEN_REUSED


async def reason_for(services: Services, token: str) -> object:
    """What a refusal says to whoever comes with this token."""
    with pytest.raises(RefreshRefused) as refused:
        await refresh(services, "customer", token)
    return refused.value.details.get("reason")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("revoked_at = clock_timestamp(), revoked_reason = 'signed_out'", "signed_out"),
        ("revoked_at = clock_timestamp(), revoked_reason = 'words of an earlier release'", None),
        ("expires_at = clock_timestamp() - interval '1 ms'", "expired"),
    ],
)
async def test_whoever_holds_the_last_tokens_learns_why_it_is_over_and_nobody_else(
    services: Services, change: str, reason: str | None
) -> None:
    first = await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    third = await refresh(services, "customer", second.refresh_token)
    async with services.transaction() as tx:
        await tx.conn.execute(f"UPDATE sessions SET {change}")
    assert await reason_for(services, third.refresh_token) == reason
    assert await reason_for(services, second.refresh_token) == reason
    assert await reason_for(services, first.refresh_token) is None, "an older one may be in anybody's hands"
    with pytest.raises(RefreshRefused) as elsewhere:
        await refresh(services, "technician", third.refresh_token)
    assert elsewhere.value.details == {}


async def test_a_blocked_account_and_a_copied_token_are_named(services: Services) -> None:
    first = await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    third = await refresh(services, "customer", second.refresh_token)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false")
    assert await reason_for(services, third.refresh_token) == "blocked"
    assert await reason_for(services, first.refresh_token) is None
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = true")
    assert await reason_for(services, first.refresh_token) == "token_reused"
    assert await reason_for(services, third.refresh_token) == "token_reused"


def test_the_grace_outlasts_the_patience_of_clients() -> None:
    """Whoever lost an answer comes again only after waiting for it in vain: our pages, and apps that wait 30 s."""
    page = (ROOT / "api/console/static/lib/session.js").read_text(encoding="utf-8")
    found = re.search(r"LEASE_MS = ([\d_]+);", page)
    assert found is not None and "AbortSignal.timeout(LEASE_MS)" in page
    assert 2 * max(int(found[1]) / 1000, 30) <= GRACE_S


async def test_a_retry_within_the_grace_is_answered_with_the_same_token(services: Services) -> None:
    first = await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    await age_rotation(services, first.session_id, f"{GRACE_S - 1} seconds")
    again = await refresh(services, "customer", first.refresh_token)
    assert again.refresh_token == second.refresh_token
    services.tokens.read(again.access_token, "customer")
    await refresh(services, "customer", second.refresh_token)


async def test_a_retry_after_the_grace_is_theft(services: Services) -> None:
    first = await sign_in(services)
    await refresh(services, "customer", first.refresh_token)
    await age_rotation(services, first.session_id, f"{GRACE_S} seconds")
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", first.refresh_token)
    assert not await services.sessions.alive(first.session_id, "customer")


async def test_a_retry_does_not_lengthen_the_grace(services: Services) -> None:
    first = await sign_in(services)
    await refresh(services, "customer", first.refresh_token)
    await age_rotation(services, first.session_id, f"{GRACE_S - 1} seconds")
    await refresh(services, "customer", first.refresh_token)
    await age_rotation(services, first.session_id, "2 seconds")
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", first.refresh_token)


async def test_parallel_refreshes_with_one_token_end_nothing(services: Services) -> None:
    first = await sign_in(services)
    pairs = await asyncio.gather(*(refresh(services, "customer", first.refresh_token) for _ in range(8)))
    assert len({pair.refresh_token for pair in pairs}) == 1, "one refresh token of a family is good at any time"
    await refresh(services, "customer", pairs[0].refresh_token)


async def test_parallel_use_of_old_and_new_leaves_no_living_token(services: Services) -> None:
    first = await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    third = await refresh(services, "customer", second.refresh_token)
    results = await asyncio.gather(
        refresh(services, "customer", first.refresh_token),
        refresh(services, "customer", third.refresh_token),
        return_exceptions=True,
    )
    assert isinstance(results[0], RefreshRefused)
    for pair in (first, second, third, *(r for r in results if isinstance(r, Pair))):
        with pytest.raises(RefreshRefused):
            await refresh(services, "customer", pair.refresh_token)


@pytest.mark.parametrize("token", ["", "drt_", "drt_" + "A" * 70, "x" * 5000, "drt_\u00e9", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_we_did_not_make_is_refused_and_ends_nothing(services: Services, token: str) -> None:
    pair = await sign_in(services)
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", token)
    forged = "drt_" + pair.refresh_token[4:40] + "A" * (len(pair.refresh_token) - 40)
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", forged)
    assert await services.sessions.alive(pair.session_id, "customer")


def near_misses(mine: str, other: str) -> dict[str, str]:
    """What is nearly a refresh token of this sign-in: a session of 16 bytes, the turn, and the proof of both."""

    def packed(raw: bytes) -> str:
        return mine[:4] + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def opened(token: str) -> bytes:
        return base64.urlsafe_b64decode(token[4:] + "=" * (-len(token[4:]) % 4))

    own, foreign = opened(mine), opened(other)
    head, proof = own[:-32], own[-32:]
    return {
        "the first byte of the proof": packed(head + bytes([proof[0] ^ 1]) + proof[1:]),
        "the last byte of the proof": packed(own[:-1] + bytes([own[-1] ^ 1])),
        "the turn that comes next": packed(head[:-1] + bytes([head[-1] + 1]) + proof),
        "somebody's session with this proof": packed(foreign[:16] + own[16:]),
        "this session with somebody's proof": packed(own[:16] + foreign[16:]),
        "no proof": packed(head),
        "half a proof": packed(own[:-16]),
        "a byte more": packed(own + b"\0"),
        "a byte less": packed(own[:-1]),
        "a character less": mine[:-1],
        "a character more": mine + "A",
        "another prefix": "drt-" + mine[4:],
        "no prefix": mine[4:],
        "in capitals": mine.upper(),
    }


async def test_near_misses_of_a_refresh_token_are_refused_and_end_nothing(services: Services) -> None:
    first, other = await sign_in(services), await sign_in(services)
    for what, token in near_misses(first.refresh_token, other.refresh_token).items():
        with pytest.raises(RefreshRefused):
            await refresh(services, "customer", token)
        assert await services.sessions.alive(first.session_id, "customer"), what
        assert await services.sessions.alive(other.session_id, "customer"), what
    for pair in (first, other):
        assert (await refresh(services, "customer", pair.refresh_token)).session_id == pair.session_id


async def test_theft_of_one_sign_in_ends_no_other(services: Services) -> None:
    stolen, other = await sign_in(services), await sign_in(services)
    second = await refresh(services, "customer", stolen.refresh_token)
    await refresh(services, "customer", second.refresh_token)
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", stolen.refresh_token)
    assert not await services.sessions.alive(stolen.session_id, "customer")
    assert await services.sessions.alive(other.session_id, "customer")
    await refresh(services, "customer", other.refresh_token)


async def test_after_signing_out_no_token_of_it_is_good(services: Services) -> None:
    first, other = await sign_in(services), await sign_in(services)
    second = await refresh(services, "customer", first.refresh_token)
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, first.session_id, Ending.SIGNED_OUT)
    for pair in (first, second):
        with pytest.raises(RefreshRefused):
            await refresh(services, "customer", pair.refresh_token)
    await refresh(services, "customer", other.refresh_token)


async def test_signing_out_and_refreshing_at_once_leaves_no_living_token(services: Services) -> None:
    pair = await sign_in(services)

    async def sign_out() -> None:
        async with services.transaction() as tx:
            await services.sessions.revoke(tx, pair.session_id, Ending.SIGNED_OUT)

    results = await asyncio.gather(
        *(refresh(services, "customer", pair.refresh_token) for _ in range(4)), sign_out(), return_exceptions=True
    )
    assert {type(r) for r in results} <= {Pair, RefreshRefused, type(None)}, results
    assert not await services.sessions.alive(pair.session_id, "customer")
    for one in (pair, *(r for r in results if isinstance(r, Pair))):
        with pytest.raises(RefreshRefused):
            await refresh(services, "customer", one.refresh_token)


async def test_a_token_of_another_realm_is_refused_and_ends_nothing(services: Services) -> None:
    pair = await sign_in(services)
    with pytest.raises(RefreshRefused):
        await refresh(services, "technician", pair.refresh_token)
    with pytest.raises(NotSignedIn):
        services.tokens.read(pair.access_token, "technician")
    assert await services.sessions.alive(pair.session_id, "customer")
    assert not await services.sessions.alive(pair.session_id, "technician")


async def test_the_family_ends_however_often_it_is_rotated(services: Services) -> None:
    first = await sign_in(services)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE sessions SET expires_at = clock_timestamp() + interval '100 seconds'")
    second = await refresh(services, "customer", first.refresh_token)
    assert 90 < second.expires_in <= 100, "no access token outlives its family"
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE sessions SET expires_at = clock_timestamp() - interval '1 ms'")
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", second.refresh_token)


async def test_logout_is_known_at_once_here_and_by_the_hint_elsewhere(
    services: Services, fresh_pool: Pool, tmp_path: Path
) -> None:
    other = make_services(fresh_pool, tmp_path)
    pair = await sign_in(services)
    assert await services.sessions.alive(pair.session_id, "customer")
    assert await other.sessions.alive(pair.session_id, "customer")
    heard = await hints(services)
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, pair.session_id, Ending.SIGNED_OUT)
    assert not await services.sessions.alive(pair.session_id, "customer")
    await asyncio.sleep(0)
    other.bus.publish(bus.SESSION_REVOKED, heard[0])
    await asyncio.sleep(0)
    assert not await other.sessions.alive(pair.session_id, "customer")


async def test_a_rolled_back_revocation_tells_nobody(services: Services) -> None:
    pair = await sign_in(services)
    heard = await hints(services)
    with pytest.raises(ZeroDivisionError):
        async with services.transaction() as tx:
            await services.sessions.revoke(tx, pair.session_id, Ending.SIGNED_OUT)
            raise ZeroDivisionError
    await asyncio.sleep(0)
    assert heard == []
    assert await services.sessions.alive(pair.session_id, "customer")


async def test_a_blocked_account_has_no_access_and_no_refresh(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = await sign_in(services)
    assert await services.sessions.alive(pair.session_id, "customer")
    # Somebody blocks it past our code: the row is all that tells.
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false")
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 4.9)
    assert not await services.sessions.alive(pair.session_id, "customer")
    with pytest.raises(RefreshRefused):
        await refresh(services, "customer", pair.refresh_token)


async def test_blocking_ends_every_sign_in_at_once(services: Services) -> None:
    pairs = [await sign_in(services) for _ in range(2)]
    heard = await hints(services)
    for pair in pairs:
        assert await services.sessions.alive(pair.session_id, "customer")
    async with services.transaction() as tx:
        await customers.set_blocked(tx, pairs[0].subject_id, is_blocked=True, reason="fraud")
    for pair in pairs:
        assert not await services.sessions.alive(pair.session_id, "customer")
    await asyncio.sleep(0)
    assert heard == [{"realm": "customer", "subject_id": str(pairs[0].subject_id)}]
    with pytest.raises(customers.AccountBlocked):
        await sign_in(services)
    async with services.transaction() as tx:
        await customers.set_blocked(tx, pairs[0].subject_id, is_blocked=False)
        await tx.conn.execute("DELETE FROM quotas")
    await sign_in(services)


@pytest.mark.parametrize("change", ["is_active = false", "onboarding_status = 'rejected'"])
async def test_a_technician_who_is_out_has_no_access(services: Services, change: str) -> None:
    technician_id = await add_technician(services.pool)
    async with services.transaction() as tx:
        pair = await services.sessions.open(tx, "technician", technician_id)
    assert await services.sessions.dead_among([pair.session_id]) == set()
    async with services.transaction() as tx:
        await tx.conn.execute(f"UPDATE technicians SET {change}")  # noqa: S608
    assert await services.sessions.dead_among([pair.session_id]) == {pair.session_id}


async def test_of_two_refreshes_with_one_token_the_second_is_a_retry(services: Services) -> None:
    """Were it a second turn, whoever lost both answers would be taken for a thief."""
    first = await sign_in(services)

    async def again(tx: Tx) -> Pair:
        return await services.sessions.refresh(tx, "customer", first.refresh_token)

    one, two = await one_after_the_other(services, again, again)
    third = await refresh(services, "customer", first.refresh_token)
    assert one.refresh_token == two.refresh_token == third.refresh_token
