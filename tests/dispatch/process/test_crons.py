"""What the clock asks for: a step that fails keeps no other from its turn, and is tried again."""

from __future__ import annotations

import pytest

from dispatch.billing import invoices
from dispatch.engine import tasks
from dispatch.process import crons
from dispatch.services import Services


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
    assert (found.state, found.result) == ("done", {"invoices": 0, "overdue": 0})
