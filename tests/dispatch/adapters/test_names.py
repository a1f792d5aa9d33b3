"""Names of others, looked up: the slow ones hold up nobody, and one name is asked for once at a time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from typing import Any

import pytest

from dispatch.adapters.names import Names
from dispatch.adapters.webhooks import HttpPoster
from dispatch.ports.webhooks import NoAnswer

#: More than any pool of threads has that the loop's own lookups are made in.
MANY = 64
#: Long enough for a burdened machine, in real seconds.
PATIENCE_S = 20.0


class System:
    """The system's resolver: names that begin with `hanging` are answered when they are let go, `none` not at all."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.let_go = threading.Event()
        #: Set as soon as as many hanging ones have been asked for as was waited for.
        self.hang = threading.Semaphore(0)

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        self.asked[host] += 1
        if host.startswith("hanging"):
            self.hang.release()
            self.let_go.wait()
        if host.startswith("none"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", port, 0, 2)),
        ]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = System()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.let_go.set()


async def test_names_that_never_answer_hold_up_neither_other_names_nor_other_work(system: System) -> None:
    poster = HttpPoster()
    stuck = [asyncio.create_task(poster.post(f"https://hanging{n}.example/in", b"{}", {})) for n in range(MANY)]
    async with asyncio.timeout(PATIENCE_S):
        # Nobody lets the hanging ones go: the others have their answers all the same.
        with pytest.raises(NoAnswer, match="private network"):
            await poster.post("https://well.example/in", b"{}", {})
        assert await asyncio.to_thread(len, "done") == 4
        assert (await asyncio.get_running_loop().getaddrinfo("ours.example", 5432))[0][4] == ("10.0.0.1", 5432)
    system.let_go.set()
    await asyncio.gather(*stuck, return_exceptions=True)
    await poster.close()


async def test_one_name_is_looked_up_once_at_a_time_whoever_gives_up_waiting(system: System) -> None:
    names = Names()
    asked = [asyncio.create_task(names.resolve("hanging.example", 443)) for _ in range(5)]
    await asyncio.to_thread(system.hang.acquire, True, PATIENCE_S)
    asked[0].cancel()
    await asyncio.gather(asked[0], return_exceptions=True)
    later = asyncio.create_task(names.resolve("hanging.example", 443))
    await asyncio.sleep(0)
    system.let_go.set()
    for found in await asyncio.gather(*asked[1:], later):
        # What is one network card's alone is left out.
        assert [(one["host"], one["port"]) for one in found] == [("10.0.0.1", 443)]
    assert system.asked == {"hanging.example": 1}
    await names.resolve("hanging.example", 443)
    assert system.asked == {"hanging.example": 2}


async def test_whoever_waits_in_vain_for_a_name_is_said_for_how_long(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.adapters.webhooks.CONNECT_S", 0.2)
    poster = HttpPoster()
    with pytest.raises(NoAnswer, match="No connection could be made within"):
        await poster.post("https://hanging.example/in", b"{}", {})
    await poster.close()


async def test_a_name_that_leads_nowhere_is_said_so(system: System) -> None:
    with pytest.raises(OSError, match="not known"):
        await Names().resolve("none.example", 443)
    poster = HttpPoster()
    with pytest.raises(NoAnswer, match="could not be resolved"):
        await poster.post("https://none.example/in", b"{}", {})
    await poster.close()
