"""A node whose clock is off goes by the database's: what it makes ends when the database says so."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dispatch.bus import LocalBus
from dispatch.clock import Clock, Reading
from dispatch.engine.timers import Sweeper
from dispatch.live import real_time
from dispatch.process import runtime
from dispatch.process.wiring import workers_of
from dispatch.tokens import Tokens, token_keys
from tests.world import NOON, World, test_settings

WINDOW_S = 60.0

Watch = Callable[[float], None]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Sets this machine's clock so many seconds ahead of what it was."""
    real = time.time

    def set_ahead(by_s: float) -> None:
        monkeypatch.setattr("dispatch.clock.time.time", lambda: real() + by_s)

    return set_ahead


@pytest.fixture
async def wrong(
    world: World, tmp_path: Path, watch: Watch, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """The same world from a node whose clock is off by so many seconds; the domain's time runs."""
    await runtime.set_clock(world.services, Reading(time.time(), NOON.timestamp(), 1.0))
    await world.technician(seen=False)
    watch(request.param)
    settings = test_settings(tmp_path)
    short = settings.dispatch.model_copy(update={"offer_window_s": WINDOW_S})
    node = await runtime.assemble(settings.model_copy(update={"dispatch": short}), world.services.pool, LocalBus())
    yield replace(world, services=node)
    await node.bus.close()


async def now(world: World) -> datetime:
    found = await world.value("SELECT app_now()")
    assert isinstance(found, datetime)
    return found


@pytest.mark.parametrize("wrong", [-61.0, 61.0, 0.0], indirect=True)
async def test_offers_of_a_node_whose_clock_is_off_are_open_as_long_as_others(wrong: World) -> None:
    assert abs((wrong.now - await now(wrong)).total_seconds()) < 2
    booking = await wrong.book(hours=8)
    assert booking.status == "partner_assigned" and booking.next_action_at is not None
    left_s = (booking.next_action_at - await now(wrong)).total_seconds()
    assert WINDOW_S - 10 < left_s < WINDOW_S + 2
    assert await Sweeper(wrong.services).sweep() == 0
    assert (await wrong.booking(booking.id)).status == "partner_assigned"


@pytest.mark.parametrize("wrong", [100.0, -100.0], indirect=True)
async def test_what_it_signs_others_let_in_and_it_lets_in_what_they_sign(
    wrong: World, watch: Watch, request: pytest.FixtureRequest
) -> None:
    """Who has just signed in at one whose clock is ahead came from the future elsewhere, and was sent to sign in."""
    its, others = wrong.services.tokens, Tokens(token_keys(wrong.services.settings))
    theirs = its.mint("customer", "me", None, 900)
    watch(0.0)
    assert others.read(theirs, "customer").subject == "me"
    ours = others.mint("customer", "me", None, 900)
    watch(request.node.callspec.params["wrong"])
    assert its.read(ours, "customer").subject == "me"


async def test_a_clock_that_is_set_is_followed_and_told_of(
    world: World, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, pool = Clock(), world.services.pool
    for off_s, said in (
        (0.0, ""), (-90.0, "90.0 s behind"), (-90.5, ""), (30.0, "30.0 s ahead"), (0.3, "agrees with the database's"),
    ):  # fmt: skip
        caplog.clear()
        watch(off_s)
        await real_time.agree(pool, clock)
        real_now = await world.value("SELECT clock_timestamp()")
        assert abs(clock.timestamp() - real_now.timestamp()) < 1.5
        assert (said in caplog.text) if said else not caplog.records
    assert clock.off_s == 0.0


async def test_every_node_compares_again_and_again(world: World) -> None:
    assert "real time" in {getattr(worker, "name", "") for worker in workers_of(world.services)}
