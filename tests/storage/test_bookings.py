"""What the database does of bookings: many at once, in sets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatch.engine import timers
from dispatch.engine.timers import Sweeper
from storage import bookings as booking_rows
from tests.dispatch.engine.test_timers import copies, recorder
from tests.world import World


async def test_two_thousand_are_looked_up_in_sets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.technician()
    await world.book(dispatch=False)
    await copies(world, 1999)
    await world.execute("ANALYZE bookings")
    seen, real, looks = recorder(monkeypatch), booking_rows.due, []

    async def counted(conn: Any, **given: Any) -> Any:
        looks.append(given)
        return await real(conn, **given)

    monkeypatch.setattr(booking_rows, "due", counted)
    plan = "\n".join(r[0] for r in await world.fetch(f"EXPLAIN {real.text}", timers.SET))
    assert "bookings_to_dispatch" in plan and "bookings_due" in plan and "Seq Scan on bookings" not in plan
    assert sum(await asyncio.gather(Sweeper(world.services).sweep(), Sweeper(world.services).sweep())) == 2000
    assert len(seen) == len({b.id for b in seen}) == 2000
    # Each set is looked up once by each of the two, who may share one; the last looks find nothing.
    assert len(looks) <= 2 * 2000 // timers.SET + 2
