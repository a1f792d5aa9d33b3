"""Alerts: once while they are open, also without a booking; told to the boards; resolved with their cause."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from dispatch import bus
from dispatch.engine import alerts
from storage import alerts as rows
from storage.alerts import Alert
from tests.world import World

ROOT = Path(__file__).parents[3]


async def open_alerts(world: World) -> list[Alert]:
    async with world.services.read() as conn:
        return await rows.open_ones(conn, limit=1000)


async def shout(world: World, kind: str = "odd", **about: Any) -> bool:
    async with world.services.transaction() as tx:
        return await alerts.raise_alert(tx, kind, "Look at this.", **about)


async def test_one_of_a_kind_is_open_about_one_thing_whatever_that_is(world: World) -> None:
    await world.technician()
    booking = await world.book()
    abouts: list[dict[str, Any]] = [
        {}, {"subject": "refund:1"}, {"subject": "refund:2"}, {"booking_id": booking.id},
        {"booking_id": booking.id, "subject": "refund:1"}, {"booking_id": booking.id, "subject": "refund:2"},
    ]  # fmt: skip
    for about in abouts:
        raised = await asyncio.gather(*(shout(world, **about) for _ in range(4)))
        assert sorted(raised) == [False, False, False, True], about
    odd = [a for a in await open_alerts(world) if a.kind == "odd"]
    assert len(odd) == len(abouts)
    assert {(a.booking_id, a.timezone) for a in odd} == {(None, None), (booking.id, booking.timezone)}


async def test_raising_always_hints_and_a_repetition_does_not(world: World) -> None:
    hints: list[Any] = []
    world.services.bus.subscribe(bus.ALERT_RAISED, hints.append)
    await shout(world, subject="task:1")
    await shout(world, subject="task:1")
    await asyncio.sleep(0)
    assert hints == [{"kind": "odd", "booking_id": None}]
    with pytest.raises(ZeroDivisionError):
        async with world.services.transaction() as tx:
            await alerts.raise_alert(tx, "other", "Look.")
            raise ZeroDivisionError
    await asyncio.sleep(0)
    assert len(hints) == 1 and len(await open_alerts(world)) == 1


async def test_what_is_settled_is_resolved_and_may_be_raised_anew(world: World) -> None:
    await world.technician()
    booking = await world.book()
    await shout(world, "a", booking_id=booking.id)
    await shout(world, "b", booking_id=booking.id, subject="refund:1")
    await shout(world, "c", subject="refund:1")
    async with world.services.transaction() as tx:
        await alerts.resolve(tx, ["c"], subject="refund:1")
    assert {a.kind for a in await open_alerts(world)} == {"a", "b"}
    async with world.services.transaction() as tx:
        await alerts.resolve(tx, ["a", "b"], booking_id=booking.id)
    assert await open_alerts(world) == []
    assert await shout(world, "c", subject="refund:1")


def test_only_this_room_writes_alerts_and_the_audit() -> None:
    for table, room in (("alerts", "alerts"), ("audit_log", "audit")):
        for path in (ROOT / "storage" / "sql").glob("*.sql"):
            writes = re.search(rf"(INSERT INTO|UPDATE|DELETE FROM) {table}\b", path.read_text("utf-8"))
            # The bench fills a database that is thrown away after.
            assert writes is None or path.stem in (room, "many_lists"), path
