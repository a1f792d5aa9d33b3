"""Work that happens later: at least once, guarded, with progress, retried, held for a person, taken up again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.engine import tasks
from dispatch.engine.tasks import NotHeld, Run, Superseded
from dispatch.errors import Missing
from dispatch.loops import Loop, end
from dispatch.process import crons
from storage import alerts as alert_rows
from storage import tasks as rows
from storage.database.errors import DatabaseBusy
from storage.tasks import Task
from tests.world import World


async def asked(world: World, kind: str = "count", **more: Any) -> UUID:
    async with world.services.transaction() as tx:
        return await tasks.enqueue(tx, kind, {"to": 3}, **more)


async def seen(world: World, task_id: UUID) -> Task:
    async with world.services.read() as conn:
        return await tasks.get(conn, task_id)


async def held_alerts(world: World) -> list[str | None]:
    async with world.services.read() as conn:
        return [a.subject for a in await alert_rows.open_ones(conn, limit=100) if a.kind == tasks.HELD]


async def count(run: Run) -> dict[str, Any]:
    for n in range(run.task.payload["to"]):
        await run.progress(n + 1, run.task.payload["to"], f"line {n + 1}")
    return {"counted": run.task.payload["to"]}


async def test_a_task_is_done_once_and_says_how_far_it_is(world: World) -> None:
    task_id = await asked(world, owner="admin:1")
    assert (await seen(world, task_id)).state == "queued"
    assert await tasks.work(world.services, {"count": count}, task_id) is None
    done = await seen(world, task_id)
    assert (done.state, done.done, done.total, done.note, done.result) == ("done", 3, 3, "line 3", {"counted": 3})
    # pgqueuer brings it at least once; the second time nothing is begun.
    assert await tasks.work(world.services, {}, task_id) is None
    assert (await seen(world, task_id)).attempts == 1


async def test_a_failed_transaction_asks_for_nothing(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        async with world.services.transaction() as tx:
            await tasks.enqueue(tx, "count")
            raise ZeroDivisionError
    assert await world.value("SELECT count(*) FROM tasks") == 0
    assert await world.value("SELECT count(*) FROM pgqueuer") == 0


async def test_the_same_key_is_the_same_task_also_at_once(world: World) -> None:
    found = await asyncio.gather(*(asked(world, key="report:2026-01") for _ in range(5)))
    assert len(set(found)) == 1
    assert await world.value("SELECT count(*) FROM pgqueuer") == 1


async def test_somebody_elses_task_does_not_exist(world: World) -> None:
    task_id = await asked(world, owner="organisation:1")
    async with world.services.read() as conn:
        assert (await tasks.get(conn, task_id, "organisation:1")).id == task_id
        for owner, which in (("organisation:2", task_id), (None, uuid4())):
            with pytest.raises(Missing):
                await tasks.get(conn, which, owner)


async def test_a_failing_task_is_tried_later_and_later_and_then_held_for_a_person(world: World) -> None:
    async def broken(run: Run) -> None:
        raise ValueError("the file has no column price")

    task_id = await asked(world)
    pauses = [await tasks.work(world.services, {"count": broken}, task_id) for _ in range(tasks.TRIES)]
    waits = [p for p in pauses if p is not None]
    assert len(waits) == tasks.TRIES - 1 and pauses[-1] is None
    for n, wait_s in enumerate(waits):
        assert tasks.FIRST_PAUSE_S * 2**n / 2 <= wait_s <= tasks.FIRST_PAUSE_S * 2**n
    held = await seen(world, task_id)
    assert held.state == "held" and held.error == "ValueError: the file has no column price"
    assert await held_alerts(world) == [f"task:{task_id}"]
    # Nobody takes it up by itself any more.
    assert await tasks.work(world.services, {"count": count}, task_id) is None
    async with world.services.transaction() as tx:
        await tasks.release(tx, task_id)
    assert await held_alerts(world) == []
    await tasks.work(world.services, {"count": count}, task_id)
    assert (await seen(world, task_id)).state == "done"
    with pytest.raises(NotHeld):
        async with world.services.transaction() as tx:
            await tasks.release(tx, task_id)


async def test_two_held_tasks_are_two_alerts(world: World) -> None:
    async def broken(run: Run) -> None:
        raise ValueError

    for _ in range(2):
        task_id = await asked(world)
        for _ in range(tasks.TRIES):
            await tasks.work(world.services, {"count": broken}, task_id)
    assert len(await held_alerts(world)) == 2


async def test_what_the_clock_asks_for_is_one_alert_until_a_turn_succeeds(world: World) -> None:
    async def broken(run: Run) -> None:
        raise ValueError

    for hour in range(3):
        task_id = await asked(world, key=f"count:{hour}")
        for _ in range(tasks.TRIES):
            await tasks.work(world.services, {"count": broken}, task_id)
    assert await held_alerts(world) == ["task:count"]
    others = [await asked(world), await asked(world, key="count:mine", owner="organisation:1")]
    for one in others:
        for _ in range(tasks.TRIES):
            await tasks.work(world.services, {"count": broken}, one)
    await tasks.work(world.services, {"count": count}, await asked(world, key="count:4"))
    # What somebody asked for is not made up for by a turn of the clock's.
    assert set(await held_alerts(world)) == {f"task:{one}" for one in others}
    async with world.services.read() as conn:
        assert {task.id for task in await tasks.held(conn)} == set(others)


async def test_a_task_that_kills_its_nodes_is_held(world: World) -> None:
    task_id = await asked(world)

    async def dies(run: Run) -> None:
        raise asyncio.CancelledError

    for _ in range(tasks.TRIES):
        with pytest.raises(asyncio.CancelledError):
            await tasks.work(world.services, {"count": dies}, task_id)
    assert (await seen(world, task_id)).state == "running"
    assert await tasks.work(world.services, {"count": count}, task_id) is None
    assert (await seen(world, task_id)).state == "held"


async def test_whoever_was_thought_dead_stops_at_the_next_word_and_changes_nothing(world: World) -> None:
    task_id, overtaken, told = await asked(world), asyncio.Event(), list[bool]()

    async def slow(run: Run) -> dict[str, Any]:
        overtaken.set()
        await finished.wait()
        try:
            await run.progress(1)
        except Superseded:
            told.append(True)
            raise
        return {"by": "the slow one"}

    finished = asyncio.Event()
    late = asyncio.create_task(tasks.work(world.services, {"count": slow}, task_id))
    await overtaken.wait()
    await tasks.work(world.services, {"count": count}, task_id)
    finished.set()
    assert await late is None and told == [True]
    done = await seen(world, task_id)
    assert done.result == {"counted": 3} and done.done == 3


async def test_pgqueuer_brings_tasks_and_turns_to_one_of_the_nodes(world: World) -> None:
    """Real queue, two nodes: a task that fails once is brought again, a cron line strikes."""
    tried, done, struck = list[UUID](), asyncio.Event(), asyncio.Event()

    async def flaky(run: Run) -> None:
        tried.append(run.task.id)
        if len(tried) == 1:
            raise ValueError
        done.set()

    async def strike() -> None:
        struck.set()

    handle = partial(tasks.work, world.services, {"count": flaky})
    nodes = [
        asyncio.create_task(rows.serve(world.services.pool, handle, {"each_second": ("* * * * * *", strike)}))
        for _ in range(2)
    ]
    task_id = await asked(world)
    async with asyncio.timeout(60):
        await done.wait()
        await struck.wait()
    await end(nodes)
    assert tried == [task_id, task_id]


def node_of(world: World, handle: rows.Handle) -> Loop:
    """A node that takes up tasks, begun."""

    async def serve() -> None:
        await rows.serve(world.services.pool, handle, {})

    node = Loop("tasks", serve, every_s=1.0)
    node.start()
    return node


async def test_what_a_node_leaves_when_it_is_stopped_is_taken_up(world: World) -> None:
    """The library forgets a job whose node is told to end while it works on it, as every deployment does."""
    began, done, runs = asyncio.Event(), asyncio.Event(), list[int]()

    async def slow(run: Run) -> None:
        runs.append(run.task.attempts)
        if len(runs) == 1:
            began.set()
            await asyncio.Event().wait()
        done.set()

    handle = partial(tasks.work, world.services, {"count": slow})
    first = node_of(world, handle)
    task_id = await asked(world)
    async with asyncio.timeout(120):
        await began.wait()
    await first.stop()
    assert (await seen(world, task_id)).state == "running"
    # It may be alive still, and what has a job is not lost.
    await tasks.take_up(world.services)
    waiting = await asked(world)
    assert await world.value("SELECT count(*) FROM pgqueuer WHERE status = 'queued'") == 1
    await world.execute("UPDATE tasks SET updated_at = updated_at - interval '1 hour'")
    await asyncio.gather(*(tasks.take_up(world.services) for _ in range(3)))
    assert await world.value("SELECT count(*) FROM pgqueuer WHERE status = 'queued'") == 2
    second = node_of(world, handle)
    async with asyncio.timeout(120):
        while {(await seen(world, one)).state for one in (task_id, waiting)} != {"done"}:
            await done.wait()
            await asyncio.sleep(0.01)
    await second.stop()
    assert sorted(runs) == [1, 1, 2]


async def test_a_database_that_is_busy_loses_no_task(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "AGAIN", timedelta(milliseconds=50))
    done, calls = asyncio.Event(), list[UUID]()

    async def finish(run: Run) -> None:
        done.set()

    async def handle(task_id: UUID) -> float | None:
        calls.append(task_id)
        if len(calls) < 3:
            raise DatabaseBusy("no connection was free in time")
        return await tasks.work(world.services, {"count": finish}, task_id)

    node = node_of(world, handle)
    task_id = await asked(world)
    async with asyncio.timeout(120):
        await done.wait()
    await node.stop()
    assert calls == [task_id] * 3


async def test_crons_are_asked_for_once_a_turn_with_or_without_a_gateway(world: World) -> None:
    asked_for = set(crons.CRONS) - {*crons.NEEDS_GATEWAY, *crons.NEEDS_FOLDER}
    assert set(crons.crons_of(world.services)) == {*asked_for, crons.TAKE_UP}
    assert set(crons.CRONS) <= set(crons.HANDLERS)
    await asyncio.gather(*(crons.ask(world.services, "tidy") for _ in range(3)))
    # Once a turn; twice where the test crosses its end.
    assert await world.value("SELECT count(*) FROM tasks WHERE kind = 'tidy'") in (1, 2)
    task_id = await world.value("SELECT id FROM tasks WHERE kind = 'tidy' LIMIT 1")
    assert await tasks.work(world.services, crons.HANDLERS, task_id) is None
    assert (await seen(world, task_id)).state == "done"
