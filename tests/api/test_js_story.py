"""The whole story with the official JavaScript client: two apps, two lost connections, nothing lost or told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from dispatch.process import runtime
from tests.api.live import Live, live_server
from tests.api.realtime.test_js_client import node, run
from tests.api.test_story import make_everybody_a_beautician

__all__ = ["node"]

#: The drive of a minute takes three seconds.
SPEED = 20.0


async def play(node: str, live: Live, place: tuple[float, float]) -> Any:
    """What story.mjs saw."""
    technician = await live.person("technician", "PT-001")
    customer = await live.person("customer", "+911000100001")
    await runtime.set_clock(live.services, live.services.clock.scaled(SPEED))
    story = {
        "url": live.url, "technician_token": technician.token, "customer_token": customer.token,
        "domain_ms": live.services.clock.timestamp() * 1000, "speed": SPEED, "place": place, "date": "2026-01-05",
    }  # fmt: skip
    return await run(node, "story.mjs", orjson.dumps(story).decode())


async def test_the_whole_story(node: str, fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=1) as live:
        place = await make_everybody_a_beautician(live)
        seen = await play(node, live, place)
        stored = await live.value("SELECT status FROM bookings WHERE id = $1::text::uuid", seen["booking"]["id"])
        assert stored == "completed"
        check_commands(seen["answers"], seen["booking"])
        check_customer(seen)
        check_technician(seen)


def check_commands(answers: dict[str, Any], booking: dict[str, Any]) -> None:
    assert booking["status"] == "partner_assigned"
    refused = {"accepted_otherwise", "stranger"}
    assert {name for name, answer in answers.items() if not answer["ok"]} == refused
    # How far off the phone's clock is counted stands beside it, from a second on.
    assert answers["report"]["data"].items() >= {"admitted": 1, "refreshed": 0, "dropped": {}}.items()
    assert answers["accepted"]["data"]["status"] == "confirmed"
    assert answers["accepted_again"] == answers["accepted"]
    assert answers["accepted_otherwise"]["error"]["code"] == "command_id_reused"
    assert answers["stranger"]["error"]["code"] == "not_found"
    # Nobody sees a technician who has not set out, or one who has finished.
    assert answers["before"]["data"]["technician"] is None
    assert answers["tracked"]["data"]["status"] == "confirmed"
    assert answers["after"]["data"]["technician"] is None
    assert answers["resumed"]["data"]["reset"] == answers["technician_resumed"]["data"]["reset"] == []
    assert answers["completed"]["data"]["status"] == "completed"
    assert answers["completed_again"]["data"]["status"] == "completed"


def check_customer(seen: dict[str, Any]) -> None:
    heard = seen["customer"]
    facts = [data for name, data in heard if name == "booking.updated"]
    assert {f["booking_id"] for f in facts} == {seen["booking"]["id"]} and len({f["epoch"] for f in facts}) == 1
    assert [f["seq"] for f in facts] == list(range(1, len(facts) + 1))
    story = [f["event"] for f in facts]
    wanted = [
        "booking.created", "partner.assigned", "partner.accepted", "booking.confirmed", "partner.in_transit",
        "partner.near", "partner.arrived", "booking.completed",
    ]  # fmt: skip
    assert [event for event in story if event in wanted] == wanted
    names = [name for name, _ in heard]
    assert names.count("technician.near") == names.count("technician.arrived") == 1
    assert "reset" not in names
    moves = [data for name, data in heard if name == "technician.moved"]
    assert len(moves) >= 5
    distances = [m["distance_m"] for m in moves]
    assert distances == sorted(distances, reverse=True) and distances[0] > 900 and distances[-1] < 100
    assert all(0 < m["eta_confidence"] <= 1 for m in moves)
    assert seen["missed_by_the_cut"]


def check_technician(seen: dict[str, Any]) -> None:
    facts = [data for _, data in seen["technician"] if "seq" in data]
    first = facts[0]["seq"]
    assert [f["seq"] for f in facts] == list(range(first, first + len(facts)))
    names = [name for name, _ in seen["technician"]]
    assert names[0] == "offer.made" and names.count("offer.made") == 1
    assert {"job.updated", "offer.closed", "earnings.updated"} <= set(names)
    assert seen["connects"] == [2, 2]
