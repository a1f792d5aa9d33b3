"""Work that happens later, asked about over HTTP, on a server whose own loops do it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from dispatch.engine import tasks
from tests.api.internal.conftest import Scene


async def test_a_task_is_done_by_the_server_and_can_be_asked_about(scene: Scene) -> None:
    services = scene.live.services
    async with services.transaction() as tx:
        task_id = await tasks.enqueue(tx, "tidy")

    async def how_far() -> Any:
        return (await scene.service.call("GET", f"/v1/internal/tasks/{task_id}"))["data"]

    async with asyncio.timeout(60):
        while (told := await how_far())["state"] != "done":  # noqa: ASYNC110 (it is another loop that works)
            await asyncio.sleep(0.05)
    assert told["kind"] == "tidy" and told["attempts"] == 1 and told["finished_at"] and told["error"] is None
    refused = await scene.service.call("POST", f"/v1/internal/tasks/{task_id}/retry", expect=409)
    assert refused["error"]["code"] == "TASK_NOT_HELD"
    assert (await scene.service.call("GET", "/v1/internal/tasks/held"))["data"] == []
    for method, path in (("GET", uuid.uuid4()), ("POST", f"{uuid.uuid4()}/retry")):
        await scene.service.call(method, f"/v1/internal/tasks/{path}", expect=404)
