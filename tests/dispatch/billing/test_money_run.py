"""Bookings through a failing gateway: nothing unbalanced, nothing twice, nothing left open."""

from __future__ import annotations

import os

from dispatch.simulation import money
from tests.dispatch.billing.till import Till

#: A handful by default; MONEY_BOOKINGS=2000 is the full run.
BOOKINGS = int(os.environ.get("MONEY_BOOKINGS", "40"))
SEED = int(os.environ.get("MONEY_SEED", "11"))


async def test_random_faults_leave_sound_books(till: Till) -> None:
    customers = [await till.world.customer() for _ in range(8)]
    for km in (1, 2, 3, 4, 5):
        await till.world.technician(km_north=km)
    done = await money.run(till.world.services, till.gateway, till.gw, customers, count=BOOKINGS, seed=SEED)
    print(done)
    assert done.wrong == []
    assert sum(done.stories.values()) == BOOKINGS and done.faults
    assert set(done.intents) <= {"done", "failed", "expired"} and done.faults["html_502"] > 5
    await till.check()
