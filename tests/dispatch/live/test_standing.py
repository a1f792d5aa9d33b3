"""Which sign-ins still stand: believed for less than five seconds, renewed in one question, refused when unknown."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.live import standing as module
from dispatch.live.sessions import Ending
from dispatch.live.standing import BELIEVED_S, RENEW_S
from dispatch.services import Services
from storage.database.errors import DatabaseAway, StorageError
from storage.database.pool import Pool
from tests.dispatch.live.test_sessions import sign_in
from tests.identity import make_services


class Asked:
    """Counts the questions, and can be away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.is_away, self._theirs = 0, False, module.rows.living
        monkeypatch.setattr(module.rows, "living", self._living)

    async def _living(self, conn: Any, *, ids: list[UUID]) -> Any:
        self.count += 1
        if self.is_away:
            raise DatabaseAway("cut")
        return await self._theirs(conn, ids=ids)


def later(monkeypatch: pytest.MonkeyPatch, by_s: float) -> None:
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + by_s)


async def test_a_lost_hint_costs_less_than_five_seconds(
    services: Services, fresh_pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_services(fresh_pool, tmp_path)
    pair = await sign_in(services)
    assert await other.sessions.alive(pair.session_id, "customer")
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, pair.session_id, Ending.SIGNED_OUT)
    assert await other.sessions.alive(pair.session_id, "customer"), "the cache is used"
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 4.9)
    assert not await other.sessions.alive(pair.session_id, "customer")


async def test_many_sockets_are_checked_in_one_question(services: Services) -> None:
    pairs = [await sign_in(services) for _ in range(3)]
    async with services.transaction() as tx:
        await services.sessions.revoke(tx, pairs[1].session_id, Ending.SIGNED_OUT)
    unknown = uuid4()
    dead = await services.sessions.dead_among([*(p.session_id for p in pairs), unknown])
    assert dead == {pairs[1].session_id, unknown}


async def test_an_answer_that_was_under_way_when_revoked_is_not_remembered(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = await sign_in(services)
    asked = module.rows.living

    async def slow(conn: Any, *, ids: list[UUID]) -> Any:
        found = await asked(conn, ids=ids)
        monkeypatch.setattr(module.rows, "living", asked)
        async with services.transaction() as tx:
            await services.sessions.revoke(tx, pair.session_id, Ending.SIGNED_OUT)
        return found

    monkeypatch.setattr(module.rows, "living", slow)
    assert not await services.sessions.alive(pair.session_id, "customer")
    assert not await services.sessions.alive(pair.session_id, "customer")


def test_the_list_is_renewed_before_it_grows_old() -> None:
    assert RENEW_S * 2 <= BELIEVED_S < 5


async def test_who_is_known_costs_no_question(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, asked = [await sign_in(services) for _ in range(3)], Asked(monkeypatch)
    for _ in range(5):
        for pair in pairs:
            assert await services.sessions.alive(pair.session_id, "customer")
    assert asked.count == 3
    later(monkeypatch, BELIEVED_S - 0.5)
    await services.sessions.standing.renew()
    assert asked.count == 4, "one question for all"
    later(monkeypatch, BELIEVED_S - 0.5)
    for pair in pairs:
        assert await services.sessions.alive(pair.session_id, "customer")
    assert asked.count == 4


async def test_who_cannot_be_asked_for_is_not_let_in(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    pair, other, asked = await sign_in(services), await sign_in(services), Asked(monkeypatch)
    assert await services.sessions.alive(pair.session_id, "customer")
    asked.is_away = True
    assert await services.sessions.alive(pair.session_id, "customer"), "believed for a moment"
    with pytest.raises(StorageError):
        await services.sessions.alive(other.session_id, "customer")
    later(monkeypatch, BELIEVED_S)
    with pytest.raises(StorageError):
        await services.sessions.standing.renew()
    with pytest.raises(StorageError):
        await services.sessions.alive(pair.session_id, "customer")
    asked.is_away = False
    assert await services.sessions.alive(pair.session_id, "customer")


async def test_a_role_is_part_of_what_stands(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    async with services.transaction() as tx:
        account_id = await tx.conn.fetchval("INSERT INTO accounts (phone) VALUES ('+911200000001') RETURNING id")
        await tx.conn.execute(
            "INSERT INTO memberships (account_id, realm, role) VALUES ($1, 'admin', 'owner')", account_id
        )
        pair = await services.sessions.open(tx, "admin", account_id)
    await services.sessions.standing.of(pair.session_id, "admin")
    seen = await services.sessions.standing.of(pair.session_id, "admin")
    assert seen is not None and seen.row is not None
    assert (seen.row.role, seen.subject_id) == ("owner", account_id)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE memberships SET role = 'viewer'")
    await services.sessions.standing.renew()
    seen = await services.sessions.standing.of(pair.session_id, "admin")
    assert seen is not None and seen.row is not None and seen.row.role == "viewer"
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE memberships SET status = 'suspended'")
    await services.sessions.standing.renew()
    assert await services.sessions.standing.of(pair.session_id, "admin") is None


async def test_who_came_once_is_asked_for_no_more(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    pair, asked = await sign_in(services), Asked(monkeypatch)
    assert await services.sessions.alive(pair.session_id, "customer")
    await services.sessions.standing.renew()
    assert asked.count == 1, "nobody came since"
    assert await services.sessions.alive(pair.session_id, "customer")
    assert asked.count == 1, "but it is known for a while"
    for _ in range(3):
        await services.sessions.standing.renew()
    assert asked.count == 2, "once for each time that somebody came since"


async def test_thousands_are_forgotten_some_a_turn(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGOTTEN", 2)
    asked = Asked(monkeypatch)
    strangers = [uuid4() for _ in range(9)]
    for one in strangers:
        assert not await services.sessions.alive(one, "customer")
    later(monkeypatch, BELIEVED_S)
    forgetting, turns = asyncio.create_task(services.sessions.standing.renew()), 0
    while not forgetting.done():
        turns += 1
        await asyncio.sleep(0)
    await forgetting
    assert turns >= 4 and asked.count == len(strangers)
