"""Work that happens later, as the house asks about it: how far it is, what waits for a person, trying it anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from api.audiences import Service, internal
from api.wire.models import View
from dispatch.engine import tasks
from dispatch.services import Services
from storage.tasks import Task


class TaskOut(View):
    """`done` of `total` (null: not known) is the progress. `held`: tried to the end, it waits for a person."""

    id: UUID
    kind: str
    state: str
    attempts: int
    done: int
    total: int | None
    note: str | None
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@internal.route("GET", "/tasks/held", tags=["tasks"])
async def held(services: Services, caller: Service) -> list[TaskOut]:
    """What was tried to the end and waits for a person, the newest first."""
    async with services.read() as conn:
        return [_task(t) for t in await tasks.held(conn)]


@internal.route("GET", "/tasks/{id}", tags=["tasks"])
async def get(services: Services, caller: Service, id: UUID) -> TaskOut:
    """How far a piece of work is."""
    async with services.read() as conn:
        return _task(await tasks.get(conn, id))


@internal.route("POST", "/tasks/{id}/retry", tags=["tasks"])
async def retry(services: Services, caller: Service, id: UUID) -> TaskOut:
    """Has work that is held tried anew."""
    async with services.transaction() as tx:
        await tasks.release(tx, id)
        return _task(await tasks.get(tx.conn, id))


def _task(t: Task) -> TaskOut:
    return TaskOut(
        id=t.id, kind=t.kind, state=t.state, attempts=t.attempts, done=t.done, total=t.total, note=t.note,
        result=t.result, error=t.error, created_at=t.created_at, finished_at=t.finished_at,
    )  # fmt: skip
