"""Rows of tasks, and pgqueuer, which brings each to a node when its time has come: at least once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import HealthCheckEvent, Job, Schedule

from storage.database.binder import Statements
from storage.database.errors import StorageError
from storage.database.pool import Conn, Pool

sql = Statements("tasks")

#: The one queue of pgqueuer; what is to be done stands in the task's row.
ENTRYPOINT = "task"
#: How long a node may hold a task without a sign of life before another takes it, and how long it waits for news.
HEARTBEAT = timedelta(seconds=10)
#: So many tasks run at once on a node.
HANDS = 4
#: When the database could not be asked for a task, it is brought again after so long.
AGAIN = timedelta(seconds=5)
#: What has shown no sign of life for so many seconds and has no job is taken up anew.
QUIET_S = 30.0

#: Does one task; what it returns is the pause in seconds before the next try, None when it is over.
Handle = Callable[[UUID], Awaitable[float | None]]
#: Whether the queue hears what the database tells; raises FailingListenerError.
Probe = Callable[[timedelta], Coroutine[Any, Any, HealthCheckEvent]]
#: Cron line (UTC) and what happens at each turn, on whichever node is first.
Turn = tuple[str, Callable[[], Awaitable[None]]]


@dataclass(frozen=True, slots=True)
class Task:
    """`done` of `total` (None: not known) is the progress, in units of the kind."""

    id: UUID
    kind: str
    key: str | None
    payload: dict[str, Any]
    owner: str | None
    state: str
    attempts: int
    done: int
    total: int | None
    note: str | None
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    request_id: str | None


insert = sql.scalar("insert", UUID)
find_by_key = sql.scalar("find_by_key", UUID)
get = sql.row("get", Task)
claim = sql.row("claim", Task)
progress = sql.run("progress")
finish = sql.run("finish")
later = sql.run("later")
hold = sql.run("hold")
release = sql.run("release")
newest_held = sql.scalar("newest_held", UUID)
made_up_for = sql.run("made_up_for")
held = sql.rows("held", Task)
purge = sql.run("purge")
_call = sql.run("call")
_take_up = sql.run("take_up")


async def call(conn: Conn, task_id: UUID, delay_s: float = 0.0) -> None:
    """Has a node take the task up so many seconds after the commit."""
    await _call(conn, entrypoint=ENTRYPOINT, payload=task_id.bytes, delay_s=delay_s)


async def take_up(conn: Conn) -> int:
    """Brings what is not over and has lost its job: the library forgets a job whose node is stopped while it works on
    it. Returns how many there were."""
    return await _take_up(conn, entrypoint=ENTRYPOINT, quiet_s=QUIET_S)


async def serve(pool: Pool, handle: Handle, crons: Mapping[str, Turn]) -> None:
    """Takes tasks and turns of crons as they are due, until cancelled or until the database goes away."""
    # Its log is JSON that it encodes itself, so it must not share connections that encode JSON too.
    async with asyncpg.create_pool(pool.dsn, min_size=1, max_size=3, timeout=5) as own:
        queuer = PgQueuer.from_asyncpg_pool(own)

        @queuer.entrypoint(ENTRYPOINT, on_failure="hold")
        async def work(job: Job) -> None:
            assert job.payload is not None
            try:
                pause_s = await handle(UUID(bytes=bytes(job.payload)))
            except StorageError:
                # Busy or away for a moment; whatever the work itself did wrong has been judged by its handler.
                raise RetryRequested(AGAIN) from None
            if pause_s is not None:
                raise RetryRequested(timedelta(seconds=pause_s))

        queuer.qm.listener_healthy = asked_twice(queuer.qm.listener_healthy)  # type: ignore[method-assign, assignment]
        for name, (line, turn) in crons.items():
            queuer.schedule(name, line)(_turn(turn))
        await queuer.run(
            dequeue_timeout=HEARTBEAT, heartbeat_timeout=HEARTBEAT, batch_size=HANDS, max_concurrent_tasks=2 * HANDS,
            shutdown_on_listener_failure=True,
        )  # fmt: skip


def asked_twice(probe: Probe) -> Probe:
    """One lost echo is none: the library asks for the first before it surely listens, and a busy machine loses one."""

    async def ask(timeout: timedelta = HEARTBEAT) -> HealthCheckEvent:
        with suppress(FailingListenerError):
            return await probe(timeout)
        return await probe(timeout)

    return ask


def _turn(turn: Callable[[], Awaitable[None]]) -> Callable[[Schedule], Awaitable[None]]:
    async def run(schedule: Schedule) -> None:
        await turn()

    return run
