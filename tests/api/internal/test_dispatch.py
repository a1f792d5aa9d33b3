"""The house's own services over HTTP: ordered searches, the queue, and the whole explanation."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.api.internal.conftest import Scene
from tests.api.test_story import book


async def test_the_whole_explanation(scene: Scene) -> None:
    await scene.online(0)
    await scene.online(1)
    booking = await book(scene.customer, scene.place)
    await scene.technicians[0].call("POST", f"/v1/partner/bookings/{booking['id']}/reject", {"reason": "too far"})
    told = (await scene.service.call("GET", f"/v1/internal/bookings/{booking['id']}/dispatch"))["data"]
    assert told["booking"]["status"] == "partner_assigned" and told["booking"]["attempt"] == 2
    first, second = told["attempts"]
    assert (first["policy"], first["round"], first["attempt"], first["outcome"]) == ("greedy", 1, 1, "offered")
    assert first["weights"]["distance"] == 0.5 and first["radius_m"] == 10_000
    reasons = [{c["partner_code"]: c["reason"] for c in a["candidates"]} for a in (first, second)]
    assert reasons == [
        {"PT-001": "offered", "PT-002": "ranked_below", "PT-003": "offline"},
        {"PT-001": "already_tried", "PT-002": "offered", "PT-003": "offline"},
    ]
    best, next_ = first["candidates"][0], first["candidates"][1]
    assert (best["rank"], next_["rank"]) == (1, 2) and best["score"] >= next_["score"]
    assert set(best["parts"]) == {"distance", "rating", "availability", "reliability"}
    assert next_["distance_m"] == pytest.approx(1112, abs=5)
    assert first["candidates"][2]["rank"] is None and first["candidates"][2]["score"] is None
    assert [(o["state"], o["attempt"]) for o in told["offers"]] == [("rejected", 1), ("open", 2)]
    assert told["offers"][0]["reason"] == "too far"
    assert [e["seq"] for e in told["timeline"]] == list(range(1, len(told["timeline"]) + 1))
    assert [e["action"] for e in told["timeline"]] == [
        "booking.created", "partner.assigned", "partner.rejected", "partner.assigned",
    ]  # fmt: skip
    assert told["timeline"][2]["by"] == f"technician:{await scene.id_of(0)}"


async def test_queue_and_ordered_searches(scene: Scene) -> None:
    booking = await book(scene.customer, scene.place)
    assert booking["status"] == "pending"
    assign = f"/v1/internal/bookings/{booking['id']}/assign-partner"
    waiting = (await scene.service.call("GET", "/v1/internal/assignments/queue"))["data"]["pending_assignments"]
    assert [(w["booking_id"], w["reason"], w["status"]) for w in waiting] == [
        (booking["id"], "no_candidate", "pending")
    ]
    for query, count in (
        ("status=queued", 1),
        ("status=partner_assigned", 0),
        ("priority=0", 1),
        ("priority=7", 0),
        ("page=2", 0),
    ):
        found = await scene.service.call("GET", f"/v1/internal/assignments/queue?{query}")
        assert len(found["data"]["pending_assignments"]) == count, query
    nobody = await scene.service.call("POST", assign, expect=409)
    assert nobody["error"]["code"] == "NO_CANDIDATE"
    # The search that found nobody is kept: another round, explained.
    told = (await scene.service.call("GET", f"/v1/internal/bookings/{booking['id']}/dispatch"))["data"]
    assert told["booking"]["round"] == 2 and [a["round"] for a in told["attempts"]] == [1, 2]

    await scene.online(1)
    made = (await scene.service.call("POST", assign, {"force": False}))["data"]
    assert made["assignment"]["partner_id"] == await scene.id_of(1) and made["assignment"]["status"] == "assigned"
    assert made["booking"]["status"] == "partner_assigned"
    taken = await scene.service.call("POST", assign, expect=409)
    assert taken["error"]["code"] == "ALREADY_ASSIGNED"
    named = {"partner_id": await scene.id_of(2), "force": False}
    assert (await scene.service.call("POST", assign, named, expect=409))["error"]["code"] == "ALREADY_ASSIGNED"
    forced = (await scene.service.call("POST", assign, {**named, "force": True}))["data"]
    assert forced["assignment"]["partner_id"] == await scene.id_of(2)
    await scene.technicians[2].call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
    done = await scene.service.call("POST", assign, {"force": True}, expect=409)
    assert done["error"]["code"] == "ALREADY_ASSIGNED"
    assert await scene.live.value("SELECT count(*) FROM audit_log WHERE action = 'assign_booking'") == 3


async def test_a_named_technician_who_cannot(scene: Scene) -> None:
    booking = await book(scene.customer, scene.place)
    assign = f"/v1/internal/bookings/{booking['id']}/assign-partner"
    answer = await scene.service.call("POST", assign, {"partner_id": await scene.id_of(0)}, expect=409)
    assert answer["error"]["code"] == "NO_CANDIDATE" and answer["error"]["details"] == {"reason": "offline"}
    assert await scene.live.value("SELECT round FROM bookings") == 1
    unknown = await scene.service.call("POST", assign, {"partner_id": str(uuid.uuid4())}, expect=404)
    assert unknown["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "fields"),
    [
        ("POST", "/bookings/{}/assign-partner", {}, 404, None),
        ("GET", "/bookings/{}/dispatch", None, 404, None),
        ("GET", "/bookings/mine/dispatch", None, 404, None),
        ("POST", "/bookings/{}/assign-partner", {"force": "perhaps"}, 422, ["force"]),
        ("POST", "/bookings/{}/assign-partner", {"partner_id": "PT-001"}, 422, ["partner_id"]),
        ("POST", "/bookings/{}/assign-partner", {"hurry": True}, 422, ["hurry"]),
        ("GET", "/assignments/queue?status=lost", None, 422, ["status"]),
        ("GET", "/assignments/queue?limit=0&page=0", None, 422, ["limit", "page"]),
    ],
)
async def test_refusals(scene: Scene, method: str, path: str, body: Any, status: int, fields: list[str] | None) -> None:
    answer = await scene.service.call(method, "/v1/internal" + path.format(uuid.uuid4()), body, expect=status)
    assert answer["success"] is False and answer["error"]["code"] == ("VALIDATION_ERROR" if fields else "NOT_FOUND")
    if fields:
        assert sorted(answer["error"]["details"]) == fields
    for stranger in (scene.customer, scene.technicians[0]):
        refused = await stranger.call(method, "/v1/internal/assignments/queue", expect=None)
        assert refused["error"]["code"] in ("UNAUTHORIZED", "METHOD_NOT_ALLOWED")
