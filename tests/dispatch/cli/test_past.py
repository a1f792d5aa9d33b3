"""The demonstration's past: whenever its making is interrupted, the next start makes all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dispatch.cli import demo, past
from dispatch.cli.failure import Refused
from dispatch.cli.setup import services_for_tools
from dispatch.config import Settings
from dispatch.seeding import history
from dispatch.seeding import past as happenings
from dispatch.simulation import run
from dispatch.simulation.scene import SimulationOptions
from storage.database import draft
from tests.conftest import clone

DAYS = 8
OPTIONS = SimulationOptions(technicians=8, customers=4, seed=1, speed=20.0, is_endless=True)
#: What stands beside a database.
LEFT = "SELECT count(*) FROM pg_database WHERE starts_with(datname, current_database() || '_dispatch_')"
#: So often the clock is set before the middle of such a past.
TURNS = 60


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few days stand for the weeks."""
    monkeypatch.setattr(history, "beginning", partial(history.beginning, days=DAYS))
    monkeypatch.setattr(history, "live_through", partial(history.live_through, days=DAYS))


async def start(settings: Settings, dsn: str) -> demo._Told:
    told = demo._Told(settings)
    await demo._seeding(OPTIONS, told)(settings, dsn)
    return told


def interrupted_at(turn: int, theirs: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Ctrl-C just before the clock is set the so-manieth time."""
    turns = 0

    async def set_clock(*given: Any) -> None:
        nonlocal turns
        turns += 1
        if turns == turn:
            raise asyncio.CancelledError
        await theirs(*given)

    return set_clock


async def fetch(dsn: str, question: str) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


async def check_whole(settings: Settings, dsn: str) -> None:
    """The clock is now, or the next morning, and goes on; there is a past that has come to its end before."""
    async with services_for_tools(settings, dsn) as services:
        assert services.clock.speed == OPTIONS.speed and 0 <= services.clock.ahead_s < 24 * 3600
    days = "SELECT max(at)::date - min(at)::date FROM booking_events"
    assert await fetch(dsn, days) >= DAYS // 2
    assert await fetch(dsn, "SELECT count(*) FROM bookings WHERE status = 'completed'") > 0
    assert await fetch(dsn, "SELECT count(*) FROM booking_events WHERE at > app_now()") == 0
    assert await fetch(dsn, LEFT) == 0


@pytest.mark.parametrize("turn", [1, 2, TURNS])
async def test_who_is_interrupted_begins_anew(
    turn: int, pg_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await clone(pg_home)
    settings = Settings(env="test", data=tmp_path, database_url=dsn)
    with monkeypatch.context() as patch:
        for module in (happenings, run):
            patch.setattr(module, "set_clock", interrupted_at(turn, happenings.set_clock))
        with pytest.raises(asyncio.CancelledError):
            await start(settings, dsn)
    async with services_for_tools(settings, dsn) as services:
        assert await run.has_room_for_past(services), "nothing has happened"
    told = await start(settings, dsn)
    assert told.issued is not None
    await check_whole(settings, dsn)
    # Once more it goes on as it is.
    before = await fetch(dsn, "SELECT count(*) FROM bookings")
    await start(settings, dsn)
    assert await fetch(dsn, "SELECT count(*) FROM bookings") == before
    await check_whole(settings, dsn)


async def test_who_is_interrupted_at_the_very_end_begins_anew(
    pg_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await clone(pg_home)
    settings = Settings(env="test", data=tmp_path, database_url=dsn)

    async def cancelled(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(draft, "finish", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await start(settings, dsn)
    await start(settings, dsn)
    await check_whole(settings, dsn)


async def test_without_a_draft_there_is_no_past(
    pg_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = await clone(pg_home)
    settings = Settings(env="test", data=tmp_path, database_url=dsn)
    # Somebody else is in the database: it cannot be copied.
    other = await asyncpg.connect(dsn)
    try:
        await start(settings, dsn)
    finally:
        await other.close()
    assert "they have no past" in capsys.readouterr().err
    assert await fetch(dsn, "SELECT count(*) FROM bookings") == 0
    async with services_for_tools(settings, dsn) as services:
        assert services.clock.speed == OPTIONS.speed and 0 <= services.clock.ahead_s < 24 * 3600


async def test_what_an_earlier_version_left_half_made_is_refused(pg_home: str, tmp_path: Path) -> None:
    dsn = await clone(pg_home)
    settings = Settings(env="test", data=tmp_path, database_url=dsn)
    async with services_for_tools(settings, dsn) as services:
        await happenings.stand_at(services, history.beginning(services.clock.now()))
    with pytest.raises(Refused, match="left the past of this data half made"):
        await start(settings, dsn)


def test_the_gateway_forgets_what_was_paid_in_a_past_that_was_not_finished(tmp_path: Path) -> None:
    gateway = tmp_path / "gateway"
    gateway.mkdir()
    (gateway / "gateway.sqlite3").touch()
    past.drop_orphans(gateway)
    assert gateway.exists()
    (gateway / past.ORPHANS).touch()
    past.drop_orphans(gateway)
    assert not gateway.exists()
