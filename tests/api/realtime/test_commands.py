"""Commands: only declared ones, once each, with payloads that are checked."""

from __future__ import annotations

import io
import math
from typing import Any
from uuid import uuid4

import orjson
import pytest

from api.realtime.commands import Call, Commands, read
from api.realtime.events import (
    CUSTOMER,
    TECHNICIAN,
    JobAdvance,
    OfferAccept,
    Resume,
    Watch,
)
from api.realtime.guard import Grant
from dispatch import logs
from dispatch.errors import Invalid

GRANT = Grant("p", "s", math.inf)


def test_only_declared_commands_can_be_registered_and_only_once() -> None:
    table: Commands[None] = Commands(TECHNICIAN)

    async def handler(context: None, call: Call, body: Any) -> None:
        return None

    table.command("offer.accept", OfferAccept)(handler)
    assert "offer.accept" in table
    for event in ("offer.accept", "offer.reject", "track.start"):
        with pytest.raises(ValueError, match="not declared"):
            table.command(event, OfferAccept)
    with pytest.raises(ValueError, match=CUSTOMER):
        Commands[None](CUSTOMER).command("offer.accept", OfferAccept)


async def test_once_stands_between_a_command_and_its_effect() -> None:
    table: Commands[list[str]] = Commands(TECHNICIAN)
    stored: dict[Any, Any] = {}

    @table.command("offer.accept", OfferAccept)
    async def accept(effects: list[str], call: Call, body: OfferAccept) -> dict[str, str]:
        effects.append(str(body.offer_id))
        return {"offer_id": str(body.offer_id)}

    async def once(call: Call, run: Any) -> Any:
        if call.command_id not in stored:
            stored[call.command_id] = (call.fingerprint, await run())
        return stored[call.command_id][1]

    effects: list[str] = []
    payload = {"command_id": str(uuid4()), "offer_id": str(uuid4())}
    first = await table.run(effects, once, GRANT, "offer.accept", (payload,))
    second = await table.run(effects, once, GRANT, "offer.accept", (payload,))
    assert first == second == {"ok": True, "data": {"offer_id": payload["offer_id"]}}
    assert effects == [payload["offer_id"]]


def test_payloads() -> None:
    booking = str(uuid4())
    advance = {"command_id": booking, "booking_id": booking, "step": "arrived"}
    assert read(JobAdvance, advance).step == "arrived"
    assert read(Resume, {"streams": {booking: 4}}).epoch is None
    assert read(Watch, {"bbox": [77, 12, 78, 13]}).bbox == (77, 12, 78, 13)
    for model, payload, field in (
        (JobAdvance, {**advance, "step": "flown"}, "step"),
        (Resume, {"streams": {booking: -1}}, f"streams.{booking}"),
        (Watch, {"bbox": [77, 12, 78]}, "bbox.3"),
        # Not each of thousands is complained of.
        (Resume, {"streams": {str(uuid4()): 1 for _ in range(201)}}, "streams"),
        (Resume, {"streams": {f"no id {n}": 1 for n in range(5_000)}}, "streams"),
        (Resume, {f"nothing {n}": 1 for n in range(5_000)}, "payload"),
    ):
        with pytest.raises(Invalid) as caught:
            read(model, payload)
        assert list(caught.value.fields) == [field]


async def test_a_command_leaves_a_line_under_its_id() -> None:
    commands: Commands[None] = Commands(TECHNICIAN)
    seen: list[str | None] = []

    @commands.command("resume", Resume)
    async def resume(context: None, call: Any, body: Resume) -> dict[str, Any]:
        seen.append(logs.REQUEST_ID.get())
        return {}

    stream = io.StringIO()
    logs.configure("info", stream=stream)
    try:
        given = {"command_id": "0b7f5e0a-4f0e-4d0b-9f0e-6a2f7a8b9c0d", "epoch": "e", "streams": {}}
        await commands.run(None, None, GRANT, "resume", (given,))
        await commands.run(None, None, GRANT, "no.such.event", ({"command_id": "x\n"},))
    finally:
        logs.unconfigure()
    first, second = (orjson.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["name"], first["namespace"]) == ("command", "resume", "/technician")
    assert first["request_id"] == given["command_id"] and first["ms"] >= 0
    assert (second["name"], second["code"]) == ("unknown", "unknown_event")
    assert len(second["request_id"]) == 32 and "\n" not in second["request_id"]
