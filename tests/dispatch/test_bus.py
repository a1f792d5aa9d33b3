"""Hints: on the next turn of the loop, in their order, and nobody's failure is another's."""

from __future__ import annotations

import asyncio
from typing import Any

from dispatch.bus import Hint, LocalBus


async def test_hints_come_on_the_next_turn_in_their_order_to_whoever_listens() -> None:
    bus, heard = LocalBus(), list[tuple[str, Hint]]()
    bus.subscribe("a", lambda hint: heard.append(("first", hint)))
    bus.subscribe("a", lambda hint: heard.append(("second", hint)))
    bus.publish("a", {"n": 1})
    bus.publish("nobody listens", {})
    bus.publish("a", {"n": 2})
    assert heard == [], "whoever publishes is not held up"
    await asyncio.sleep(0)
    assert heard == [("first", {"n": 1}), ("second", {"n": 1}), ("first", {"n": 2}), ("second", {"n": 2})]


async def test_a_listener_that_fails_is_told_in_the_log_and_hurts_nobody_else(caplog: Any) -> None:
    bus, heard = LocalBus(), list[Hint]()

    def fails(hint: Hint) -> None:
        raise ZeroDivisionError

    bus.subscribe("a", fails)
    bus.subscribe("a", heard.append)
    bus.deliver("a", {"n": 1})
    assert heard == [{"n": 1}]
    assert "bus listener failed on a" in caplog.text


async def test_a_closed_bus_tells_nobody() -> None:
    bus, heard = LocalBus(), list[Hint]()
    bus.subscribe("a", heard.append)
    bus.publish("a", {})
    await bus.close()
    await asyncio.sleep(0)
    assert heard == []
