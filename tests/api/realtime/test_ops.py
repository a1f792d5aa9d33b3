"""The operations board over real sockets: snapshot, deltas, alerts, and who may look."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.realtime import ops
from api.realtime.ops import OpsNamespace
from dispatch.engine import board
from dispatch.engine.board import Box
from dispatch.services import Services
from tests.api.live import Live, Person, live_server
from tests.api.test_story import book, fix, make_everybody_a_beautician

KOLKATA = [88.0, 22.0, 89.0, 23.0]
ELSEWHERE = [10.0, 50.0, 11.0, 51.0]


@pytest.fixture
async def live(fresh_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    # The rounds are the tests' own.
    monkeypatch.setattr(ops, "TICK_S", 3600.0)
    async with live_server(fresh_dsn, tmp_path, technicians=1) as made:
        yield made


def namespace_of(live: Live) -> OpsNamespace:
    found: OpsNamespace = live.sockets.namespace_handlers["/ops"]
    return found


async def staff(live: Live) -> Person:
    made = await live.person("admin", "ops@example.com")
    # The audience is called admin, its namespace ops.
    made.kind = "ops"
    await made.connect()
    return made


async def next_delta(live: Live, person: Person) -> dict[str, Any]:
    """Rounds until there is one; what changed may take a turn of the loop to be seen."""
    person.heard = [h for h in person.heard if h[0] != "ops.delta"]
    await namespace_of(live).tick()
    return await person.hears("ops.delta")


async def test_snapshot_deltas_and_alerts(live: Live) -> None:
    place = await make_everybody_a_beautician(live)
    person, far_away = await staff(live), await staff(live)
    customer, technician = await live.person("customer", "+911000100001"), await live.person("technician", "PT-001")
    await technician.connect()
    watched = await person.ask("ops.watch", {"bbox": KOLKATA})
    assert watched["ok"], watched
    snapshot = await person.hears("ops.snapshot")
    assert snapshot["technicians"] == [] and snapshot["bookings"] == [] and snapshot["queue_length"] == 0
    await far_away.ask("ops.watch", {"bbox": ELSEWHERE})
    await far_away.hears("ops.snapshot")

    await technician.ask("presence.set", {"command_id": str(uuid.uuid4()), "online": True})
    await technician.ask("location.report", {"fixes": [fix(live, *place)]})
    delta = await next_delta(live, person)
    assert [(t["code"], t["presence"], t["lat"]) for t in delta["technicians"]] == [("PT-001", "online", place[0])]

    booking = await book(customer, place)
    delta = await next_delta(live, person)
    assert [(b["id"], b["status"]) for b in delta["bookings"]] == [(booking["id"], "partner_assigned")]
    assert delta["bookings"][0]["offered_to"] is not None
    offer = await technician.hears("offer.made", booking_id=booking["id"])
    await technician.ask("offer.reject", {"command_id": str(uuid.uuid4()), "offer_id": offer["offer_id"]})
    alert = await person.hears("ops.alert", kind="queued", booking_id=booking["id"])
    assert alert["at"]
    await far_away.hears("ops.alert", kind="queued")
    delta = await next_delta(live, person)
    assert delta["queue_length"] == 1 and delta["bookings"][0]["is_queued"] is True
    assert [a["kind"] for a in delta["alerts"]] == ["queued"]

    await customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "no"})
    delta = await next_delta(live, person)
    assert delta["bookings_gone"] == [booking["id"]] and delta["queue_length"] == 0
    assert len(delta["alerts_gone"]) == 1
    # The far one saw no booking, and nobody is told when nothing changed.
    assert not any(d.get("bookings") or d.get("technicians") for e, d in far_away.heard if e == "ops.delta")
    person.heard.clear()
    await namespace_of(live).tick()
    assert (await person.ask("ops.watch", {"bbox": KOLKATA}))["ok"]
    assert [e for e, _ in person.heard] == ["ops.snapshot"]


async def test_choosing_another_area_while_a_round_is_read(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delta of the old area must not be told as one of the new."""
    place = await make_everybody_a_beautician(live)
    person = await staff(live)
    technician = await live.person("technician", "PT-001")
    await technician.connect()
    await technician.ask("location.report", {"fixes": [fix(live, *place)]})
    await person.ask("ops.watch", {"bbox": KOLKATA})
    real, reading, go_on = board.read, asyncio.Event(), asyncio.Event()

    async def slow(services: Services, box: Box, glance: board.Glance | None = None) -> board.Board:
        found = await real(services, box, glance)
        if box.west == KOLKATA[0] and not reading.is_set():
            reading.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(board, "read", slow)
    person.heard.clear()
    round_ = asyncio.create_task(namespace_of(live).tick())
    await reading.wait()
    await person.ask("ops.watch", {"bbox": ELSEWHERE})
    go_on.set()
    await round_
    await namespace_of(live).tick()
    await person.ask("ops.watch", {"bbox": ELSEWHERE})
    assert {e for e, _ in person.heard} == {"ops.snapshot"}


async def test_a_box_across_the_antimeridian(live: Live) -> None:
    await make_everybody_a_beautician(live)
    customer = await live.person("customer", "+911000100001")
    booking = await book(customer, (22.5726, 88.3639))
    async with live.services.transaction() as tx:
        await tx.conn.execute("UPDATE bookings SET lng = 179.9")
    for box, count in ((Box(170, 0, -170, 60), 1), (Box(-170, 0, 170, 60), 0), (Box(170, 0, 180, 60), 1)):
        found = await board.read(live.services, box)
        assert len(found.bookings) == count, box
    assert booking["id"]


@pytest.mark.parametrize(
    ("bbox", "field"),
    [
        ([0, 0, 1], "bbox"),
        ([-181.0, 0.0, 1.0, 1.0], "bbox.0"),
        (["a", 0.0, 1.0, 1.0], "bbox.0"),
        ([0.0, -91.0, 1.0, 1.0], "bbox.1"),
        ([0.0, 2.0, 1.0, 1.0], "bbox.3"),
    ],
)
async def test_a_bad_area_is_refused_by_field(live: Live, bbox: list[Any], field: str) -> None:
    person = await staff(live)
    answer = await person.ask("ops.watch", {"bbox": bbox})
    assert answer["error"]["code"] == "validation_error"
    assert any(name.startswith(field) for name in answer["error"]["details"]), answer
