"""What is kept for a while: read once, dropped by a hint, and never older than a drop."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from dispatch.bus import LocalBus
from dispatch.engine.cache import DEAF_S, Cached
from storage.database.errors import DatabaseAway


def process(keep_s: float = 60.0) -> Any:
    """As much of the services as a cache needs."""

    settings = SimpleNamespace(billing=SimpleNamespace(cache_s=keep_s))
    made = SimpleNamespace(bus=LocalBus(), settings=settings, is_away=False)

    @asynccontextmanager
    async def read() -> Any:
        if made.is_away:
            raise DatabaseAway("gone")
        yield None

    made.read = read
    return made


class OfMany(LocalBus):
    """The bus of a node among others."""

    since = 0.0

    @property
    def heard_since(self) -> float:
        return self.since


class Shelf:
    """A cache that counts what is read; a read waits while `gate` is shut."""

    def __init__(self, **options: Any) -> None:
        self.reads: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cache: Cached[str] = Cached("changed", self._read, **options)

    async def _read(self, conn: Any, key: str) -> str:
        self.reads.append(key)
        said = f"{key}{len(self.reads)}"
        await self.gate.wait()
        return said


async def test_it_is_read_once_and_again_after_a_hint() -> None:
    shelf, here = Shelf(hint_key="code"), process()
    assert [await shelf.cache.get(here, key) for key in ("a", "a", "b")] == ["a1", "a1", "b2"]
    here.bus.deliver("changed", {"code": "a"})
    assert [await shelf.cache.get(here, key) for key in ("a", "b")] == ["a3", "b2"]
    here.bus.deliver("changed", {})
    assert [await shelf.cache.get(here, key) for key in ("a", "b")] == ["a4", "b5"]


async def test_each_process_has_its_own() -> None:
    shelf, here, there = Shelf(), process(), process()
    assert [await shelf.cache.get(p) for p in (here, there, here)] == ["1", "2", "1"]
    shelf.cache.drop(there)
    assert [await shelf.cache.get(p) for p in (here, there)] == ["1", "3"]


async def test_what_was_read_before_a_drop_is_not_kept_after_it() -> None:
    shelf, here = Shelf(), process()
    shelf.gate.clear()
    under_way = asyncio.create_task(shelf.cache.get(here))
    await asyncio.sleep(0)
    here.bus.deliver("changed", {})
    shelf.gate.set()
    assert await under_way == "1"
    assert await shelf.cache.get(here) == "2"


async def test_it_ends_by_itself_and_holds_so_many() -> None:
    shelf, here = Shelf(), process(keep_s=0.0)
    assert [await shelf.cache.get(here) for _ in range(2)] == ["1", "2"]
    few, there = Shelf(size=2), process()
    for key in ("a", "b", "a", "c"):
        await few.cache.get(there, key)
    assert await few.cache.get(there, "a") == "a1", "the one that was not wanted for longest has gone"
    assert await few.cache.get(there, "b") == "b4"


async def test_what_was_read_while_hints_may_have_been_missed_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_000.0]
    monkeypatch.setattr("dispatch.engine.cache.time.monotonic", lambda: at[0])
    shelf, here, bus = Shelf(), process(), OfMany()
    here.bus = bus
    assert await shelf.cache.get(here) == "1"
    at[0] += 2 * DEAF_S
    assert await shelf.cache.get(here) == "1", "all was heard"
    bus.since = math.inf
    assert await shelf.cache.get(here) == "2", "nothing is heard"
    at[0] += DEAF_S / 2
    assert await shelf.cache.get(here) == "2", "but the database is not asked each time"
    at[0] += DEAF_S
    bus.since = at[0]
    assert await shelf.cache.get(here) == "3", "heard again, but not what was said meanwhile"
    at[0] += 2 * DEAF_S
    assert await shelf.cache.get(here) == "3"
    here.is_away, bus.since = True, math.inf
    assert await shelf.cache.get(here) == "3", "no hint and no database: what is known stands"
    shelf.cache.drop(here)
    with pytest.raises(DatabaseAway):
        await shelf.cache.get(here)
