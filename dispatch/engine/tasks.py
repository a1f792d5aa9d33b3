"""Work that happens later: asked for in a transaction, done by some node at least once, with progress and an end.

A handler may run twice, and twice at once when its node is thought dead: what it does is guarded by rows of its own,
and it says how far it is by `Run.progress()`, which stops whoever was overtaken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.engine import alerts
from dispatch.errors import Conflict, Missing
from dispatch.live.counts import TASKS
from dispatch.logs import REQUEST_ID, answering, get_logger
from dispatch.loops import backoff_s
from dispatch.services import Services, Tx
from storage import tasks as rows
from storage.database.pool import Conn
from storage.tasks import Task

log = logging.getLogger(__name__)
lines = get_logger("dispatch.tasks")

#: So often a task is tried before it is held for a person; the pauses grow from the first to the most, in seconds.
TRIES = 8
FIRST_PAUSE_S, MOST_PAUSE_S = 2.0, 1800.0
HELD, MOST_HELD = "task_held", 1000
_ERROR_CHARS = 500


class NotHeld(Conflict):
    """This task does not wait for anybody."""

    code = "task_not_held"


class Superseded(Exception):
    """Another node has taken the task over: this one stops."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a task, as its handler sees it."""

    services: Services
    task: Task

    async def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Says how far it is. Raises Superseded."""
        async with self.services.transaction() as tx:
            if not await rows.progress(
                tx.conn, task_id=self.task.id, attempt=self.task.attempts, done=done, total=total, note=note
            ):
                raise Superseded


#: Does the work; what it returns is kept as the result.
Handler = Callable[[Run], Awaitable[dict[str, Any] | None]]


async def enqueue(
    tx: Tx,
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    owner: str | None = None,
    delay_s: float = 0.0,
) -> UUID:
    """Asks for work with the cause of it. The same `key` once more is the same task, whose id is returned."""
    task_id = await rows.insert(
        tx.conn, kind=kind, key=key, payload=payload or {}, owner=owner, request_id=REQUEST_ID.get()
    )
    if task_id is None:
        known = await rows.find_by_key(tx.conn, key=key)
        assert known is not None, "the key is there"
        return known
    await rows.call(tx.conn, task_id, delay_s)
    return task_id


async def get(conn: Conn, task_id: UUID, owner: str | None = None) -> Task:
    """How far it is. Raises Missing: what somebody else asked for does not exist (`owner`: of these alone)."""
    found = await rows.get(conn, task_id=task_id)
    if found is None or (owner is not None and found.owner != owner):
        raise Missing("task")
    return found


async def held(conn: Conn) -> list[Task]:
    """What waits for a person, the newest first, a thousand at most."""
    return await rows.held(conn, limit=MOST_HELD)


async def release(tx: Tx, task_id: UUID) -> None:
    """A person has looked at a held task: it is tried anew. Raises Missing, NotHeld."""
    task = await get(tx.conn, task_id)
    if not await rows.release(tx.conn, task_id=task_id):
        raise NotHeld
    await alerts.resolve(tx, [HELD], subject=_subject(task))
    await rows.call(tx.conn, task_id)


async def release_about(tx: Tx, subject: str) -> bool:
    """The same of what a HELD alert is about; of what the clock asks for it is the newest turn. False: nothing is held
    there."""
    about = subject.partition(":")[2]
    try:
        task_id: UUID | None = UUID(about)
    except ValueError:
        task_id = await rows.newest_held(tx.conn, kind=about)
    try:
        if task_id is None:
            return False
        await release(tx, task_id)
    except (Missing, NotHeld):
        return False
    return True


async def take_up(services: Services) -> None:
    """Has what was lost on its way brought again: its node was stopped while it worked."""
    async with services.transaction() as tx:
        if found := await rows.take_up(tx.conn):
            log.warning("%d tasks had lost their node and are taken up again", found)


async def work(services: Services, handlers: Mapping[str, Handler], task_id: UUID) -> float | None:
    """One attempt. Returns the pause in seconds before the next, None when the task is over.

    The first thing is a guarded UPDATE: what is over already is not begun again.
    """
    async with services.transaction() as tx:
        task = await rows.claim(tx.conn, task_id=task_id)
    if task is None:
        return None
    with answering(task.request_id or f"task-{task.id}"):
        return await _tried(services, handlers, task)


async def _tried(services: Services, handlers: Mapping[str, Handler], task: Task) -> float | None:
    began = time.monotonic()
    try:
        if task.attempts > TRIES:
            # Its nodes died in it: nobody was left to say so.
            raise RuntimeError("it never came to an end")
        result = await handlers[task.kind](Run(services, task))
    except Superseded:
        return None
    except Exception as e:
        return await _failed(services, task, e)
    async with services.transaction() as tx:
        await rows.finish(tx.conn, task_id=task.id, attempt=task.attempts, result=result)
        if _is_of_clock(task):
            await rows.made_up_for(tx.conn, kind=task.kind)
        await alerts.resolve(tx, [HELD], subject=_subject(task))
    TASKS.labels(task.kind, "done").inc()
    took_ms = round((time.monotonic() - began) * 1000)
    lines.info("task", kind=task.kind, task=str(task.id), attempt=task.attempts, ms=took_ms)
    return None


async def _failed(services: Services, task: Task, error: Exception) -> float | None:
    TASKS.labels(task.kind, "failed").inc()
    words = f"{type(error).__name__}: {error}"[:_ERROR_CHARS]
    if task.attempts < TRIES:
        log.warning("task %s (%s) failed, try %d: %s", task.id, task.kind, task.attempts, words)
        async with services.transaction() as tx:
            await rows.later(tx.conn, task_id=task.id, attempt=task.attempts, error=words)
        return backoff_s(task.attempts, FIRST_PAUSE_S, MOST_PAUSE_S)
    log.error("task %s (%s) is held for a person: %s", task.id, task.kind, words, exc_info=error)
    async with services.transaction() as tx:
        if await rows.hold(tx.conn, task_id=task.id, attempt=task.attempts, error=words):
            await alerts.raise_alert(
                tx, HELD, f"The work {task.kind} was tried {task.attempts} times in vain: {words}",
                subject=_subject(task),
            )  # fmt: skip
    return None


def _subject(task: Task) -> str:
    """What an alert is about: this task, or, of what the clock asks for, its kind: the next turn does it all."""
    return f"task:{task.kind if _is_of_clock(task) else task.id}"


def _is_of_clock(task: Task) -> bool:
    """Whether the clock asks for it, turn by turn, and not somebody once."""
    return task.key is not None and task.owner is None
