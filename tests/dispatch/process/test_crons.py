"""What the clock asks for: a step that fails keeps no other from its turn, and is tried again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.billing import invoices
from dispatch.engine import tasks
from dispatch.loops import Loop
from dispatch.process import crons
from dispatch.process.wiring import workers_of
from dispatch.services import Services
from tests.world import World


async def test_what_the_clock_asks_for_needs_no_payment_gateway(world: World) -> None:
    """Only what asks the gateway itself is left out without one, and what needs a folder that is not set."""
    bare = world.services.settings.payments.model_copy(update={"key_id": ""})
    without = replace(world.services, settings=world.services.settings.model_copy(update={"payments": bare}))
    assert not without.settings.payments.is_configured and without.settings.backup.folder is None
    assert crons.CRONS.keys() - crons.crons_of(without).keys() == {"reconcile", "backup"}
    assert "tasks" in {worker.name for worker in workers_of(without) if isinstance(worker, Loop)}


async def test_the_steps_of_the_invoices_wait_for_none_of_them(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    async def broken(_: Services) -> int:
        raise RuntimeError("nobody is billed today")

    async def turned(_: Services) -> int:
        taken.append("overdue")
        return 3

    monkeypatch.setattr(invoices, "bill_due", broken)
    monkeypatch.setattr(invoices, "turn_overdue", turned)
    async with services.transaction() as tx:
        task_id = await tasks.enqueue(tx, "invoices")
    assert await tasks.work(services, crons.HANDLERS, task_id) is not None
    assert taken == ["overdue"]
    monkeypatch.undo()
    assert await tasks.work(services, crons.HANDLERS, task_id) is None
    async with services.read() as conn:
        found = await tasks.get(conn, task_id)
    assert (found.state, found.result) == ("done", {"invoices": 0, "papers": 0, "overdue": 0})
