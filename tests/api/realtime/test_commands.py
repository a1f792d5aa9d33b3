"""Each command leaves one line, under the client's own id."""

from __future__ import annotations

import io
from typing import Any

import orjson

from api.realtime.commands import Commands
from api.realtime.events import Resume
from api.realtime.guard import Grant
from dispatch import logs


async def test_a_command_leaves_a_line_under_its_id() -> None:
    commands: Commands[None] = Commands("/technician")
    seen: list[str | None] = []

    @commands.command("resume", Resume)
    async def resume(context: None, call: Any, body: Resume) -> dict[str, Any]:
        seen.append(logs.REQUEST_ID.get())
        return {}

    stream, grant = io.StringIO(), Grant(None, "s", 0.0)
    logs.configure("info", stream=stream)
    try:
        given = {"command_id": "0b7f5e0a-4f0e-4d0b-9f0e-6a2f7a8b9c0d", "epoch": "e", "streams": {}}
        await commands.run(None, None, grant, "resume", (given,))
        await commands.run(None, None, grant, "no.such.event", ({"command_id": "x\n"},))
    finally:
        logs.unconfigure()
    first, second = (orjson.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["name"], first["namespace"]) == ("command", "resume", "/technician")
    assert first["request_id"] == given["command_id"] and first["ms"] >= 0
    assert (second["name"], second["code"]) == ("unknown", "unknown_event")
    assert len(second["request_id"]) == 32 and "\n" not in second["request_id"]
