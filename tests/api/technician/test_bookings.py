"""A technician's bookings over HTTP: every endpoint, and every refusal in the dialect."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatch.process import runtime
from tests.api.live import Live, Person, live_server
from tests.api.test_story import book, fix, make_everybody_a_beautician


@dataclass
class Scene:
    """One technician online near the customer's door, a second one offline."""

    live: Live
    me: Person
    rival: Person
    customer: Person
    place: tuple[float, float]

    async def offered(self) -> dict[str, Any]:
        await self.me.call(
            "PATCH", "/v1/partner/availability",
            {"is_available": True, "current_lat": self.place[0], "current_lng": self.place[1]},
        )  # fmt: skip
        booking = await book(self.customer, self.place)
        assert booking["status"] == "partner_assigned"
        return booking

    async def accepted(self) -> dict[str, Any]:
        booking = await self.offered()
        await self.me.call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
        return booking

    async def step(self, booking: dict[str, Any], status: str, expect: int = 200, **more: Any) -> Any:
        path = f"/v1/partner/bookings/{booking['id']}/status"
        return await self.me.call("PATCH", path, {"status": status, **more}, expect=expect)

    async def advance(self, **by: float) -> None:
        await runtime.set_clock(self.live.services, self.live.services.clock.shifted(timedelta(**by)))


@pytest.fixture
async def scene(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with live_server(fresh_dsn, tmp_path, technicians=2, customers=1) as live:
        place = await make_everybody_a_beautician(live)
        async with live.services.transaction() as tx:
            await tx.conn.execute(
                "UPDATE technicians SET is_available = false, total_bookings = 0, completed_bookings = 0, "
                "cancelled_bookings = 0"
            )
        await live.services.roster.refresh()
        yield Scene(
            live, await live.person("technician", "PT-001"), await live.person("technician", "PT-002"),
            await live.person("customer", "+911000100001"), place,
        )  # fmt: skip


def refusal(answer: Any, code: str) -> dict[str, Any]:
    """The dialect's refusal: an error object, and a sentence at the top that real clients read."""
    assert answer["success"] is False and answer["message"] and answer["timestamp"].endswith("Z")
    assert answer["error"]["code"] == code, answer
    assert answer["error"]["message"]
    return dict(answer["error"])


async def test_from_the_offer_to_the_money(scene: Scene) -> None:
    booking = await scene.offered()
    base = f"/v1/partner/bookings/{booking['id']}"
    offered = (await scene.me.call("GET", base))["data"]
    assert offered["assignment_status"] == "assigned" and offered["offer_expires_at"].endswith("Z")
    # Before it is theirs: the part of town, no name, no phone, no door.
    assert offered["timezone"] == "Asia/Kolkata"
    assert offered["customer"] is None and set(offered["address"]) == {"city", "state", "pincode"}
    assert offered["partner_earning"] == pytest.approx(offered["grand_total"] * 0.7, abs=0.01)
    listed = await scene.me.call("GET", "/v1/partner/bookings?status=assigned")
    assert [b["id"] for b in listed["data"]["bookings"]] == [booking["id"]]
    assert listed["data"]["pagination"]["total"] == 1

    accepted = (await scene.me.call("POST", base + "/accept"))["data"]
    assert accepted["status"] == "confirmed" and accepted["booking"]["assignment_status"] == "accepted"
    assert accepted["booking"]["customer"]["phone"] == "+911234567890"
    assert accepted["booking"]["address"]["address_line1"] == "123 Main St"
    again = (await scene.me.call("POST", base + "/accept"))["data"]
    assert again == accepted

    arrival = (scene.live.services.clock.now() + timedelta(minutes=20)).isoformat()
    moving = (await scene.step(booking, "in_transit", estimated_arrival=arrival))["data"]["booking"]
    assert moving["assignment_status"] == "in_transit" and moving["estimated_arrival"]
    assert (await scene.step(booking, "in_transit"))["data"]["booking"]["assignment_status"] == "in_transit"
    await scene.step(booking, "arrived")
    begun = await scene.me.call("POST", base + "/start")
    assert begun["data"]["booking"]["status"] == "in_progress"
    assert await scene.step(booking, "in_progress") == begun
    done = (await scene.me.call("POST", base + "/complete", {}))["data"]
    assert done["booking"]["status"] == "completed"
    assert done["earning"] == {"amount": offered["partner_earning"], "status": "pending"}
    assert (await scene.me.call("POST", base + "/complete", {}))["data"] == done
    for query, count in (
        ("status=completed", 1),
        ("status=accepted", 0),
        ("date=2026-01-05", 1),
        ("date=2026-01-06", 0),
        ("", 1),
    ):
        found = await scene.me.call("GET", f"/v1/partner/bookings?{query}")
        assert len(found["data"]["bookings"]) == found["data"]["pagination"]["total"] == count, query
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/rate", {"rating": 4})
    assert (await scene.me.call("GET", base))["data"]["rating"] == 4
    money = (await scene.me.call("GET", "/v1/partner/earnings"))["data"]
    assert money["pending"] == done["earning"]["amount"]
    dashboard = (await scene.me.call("GET", "/v1/partner/dashboard"))["data"]
    assert dashboard["stats"]["completed_bookings"] == 1 and dashboard["upcoming_bookings"] == []
    assert dashboard["recent_earnings"][0]["amount"] == done["earning"]["amount"]
    assert (await scene.me.call("GET", "/v1/partner/payouts"))["success"] is True
    assert (await scene.rival.call("GET", "/v1/partner/bookings"))["data"]["bookings"] == []


async def test_a_rejected_offer(scene: Scene) -> None:
    booking = await scene.offered()
    base = f"/v1/partner/bookings/{booking['id']}"
    rejected = (await scene.me.call("POST", base + "/reject", {"reason": "too far"}))["data"]
    assert rejected["status"] == "rejected" and rejected["booking"]["assignment_status"] == "rejected"
    assert rejected["booking"]["customer"] is None
    # How somebody else did it later is not told to whoever rejected it.
    async with scene.live.services.transaction() as tx:
        await tx.conn.execute("UPDATE bookings SET rating = 2 WHERE id = $1", booking["id"])
    assert (await scene.me.call("GET", base))["data"]["rating"] is None
    # Twice is the same, with and without a reason; null is as good as none.
    assert (await scene.me.call("POST", base + "/reject", {"reason": None}))["data"]["status"] == "rejected"
    assert (await scene.me.call("POST", base + "/reject"))["data"]["status"] == "rejected"
    refusal(await scene.me.call("POST", base + "/accept", expect=409), "OFFER_ANSWERED")
    why = (await scene.me.call("GET", "/v1/partner/why-no-jobs"))["data"]
    assert {r["reason"]: r["times"] for r in why["reasons"]} == {"offered": 1, "already_tried": 1}
    assert why["recent"][0]["reason"] == "already_tried" and why["recent"][1]["rank"] == 1
    theirs = (await scene.rival.call("GET", "/v1/partner/why-no-jobs?days=1&limit=1"))["data"]
    assert theirs["reasons"][0]["reason"] == "offline" and len(theirs["recent"]) == 1


async def test_offers_that_cannot_be_accepted(scene: Scene) -> None:
    booking = await scene.offered()
    path = f"/v1/partner/bookings/{booking['id']}/accept"
    refusal(await scene.rival.call("POST", path, expect=404), "NOT_FOUND")
    await scene.customer.call("POST", f"/v1/bookings/{booking['id']}/cancel", {"reason": "changed my mind"})
    assert refusal(await scene.me.call("POST", path, expect=409), "OFFER_WITHDRAWN")["details"]["reason"]
    refusal(await scene.me.call("POST", path.replace("accept", "reject"), expect=409), "OFFER_WITHDRAWN")
    second = await scene.offered()
    await scene.advance(minutes=16)
    for answer in ("accept", "reject"):
        late = await scene.me.call("POST", f"/v1/partner/bookings/{second['id']}/{answer}", expect=409)
        assert refusal(late, "OFFER_EXPIRED")["details"]["expired_at"]
    assert (await scene.me.call("GET", f"/v1/partner/bookings/{second['id']}"))["data"][
        "assignment_status"
    ] == "expired"


@pytest.mark.parametrize("status", ["in_progress", "arrived", "in_transit"])
async def test_illegal_steps(scene: Scene, status: str) -> None:
    booking = await scene.offered()
    found = refusal(await scene.step(booking, status, expect=409), "WRONG_STATE")
    assert found["details"]["state"] == "assigned" and found["details"]["step"] == status
    complete = await scene.me.call("POST", f"/v1/partner/bookings/{booking['id']}/complete", {}, expect=409)
    refusal(complete, "WRONG_STATE")


async def test_illegal_after_the_end(scene: Scene) -> None:
    booking = await scene.accepted()
    early = await scene.me.call("POST", f"/v1/partner/bookings/{booking['id']}/complete", {}, expect=409)
    assert refusal(early, "WRONG_STATE")["details"]["allowed_from"] == ["arrived", "in_progress"]
    refusal(await scene.step(booking, "arrived", expect=409), "WRONG_STATE")
    for status in ("in_transit", "arrived"):
        await scene.step(booking, status)
    await scene.me.call("POST", f"/v1/partner/bookings/{booking['id']}/complete")
    for status in ("in_transit", "arrived", "in_progress"):
        refusal(await scene.step(booking, status, expect=409), "WRONG_STATE")
    back = await scene.me.call("POST", f"/v1/partner/bookings/{booking['id']}/cancel", {"reason": "x"}, expect=409)
    refusal(back, "WRONG_STATE")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "flying"}, "status"), ({}, "status"), ({"status": None}, "status"), ({"status": 3}, "status"),
        ({"status": "arrived", "estimated_arrival": "soon"}, "estimated_arrival"),
        ({"status": "arrived", "estimated_arrival": "2026-01-05T10:00:00"}, "estimated_arrival"),
        ({"status": "arrived", "surprise": 1}, "surprise"),
        ({"status": "arrived", "start_code": "12345678901234567"}, "start_code"),
    ],
)  # fmt: skip
async def test_bad_bodies_name_their_fields(scene: Scene, body: dict[str, Any], field: str) -> None:
    path = f"/v1/partner/bookings/{uuid.uuid4()}/status"
    found = refusal(await scene.me.call("PATCH", path, body, expect=422), "VALIDATION_ERROR")
    assert [field] == list(found["details"]), found


async def test_completion_times_over_http(scene: Scene) -> None:
    booking = await scene.accepted()
    for status in ("in_transit", "arrived"):
        await scene.step(booking, status)
    path = f"/v1/partner/bookings/{booking['id']}/complete"
    now = scene.live.services.clock.now()
    for wrong in (now + timedelta(hours=1), now - timedelta(days=1)):
        body = {"service_completed_at": wrong.isoformat()}
        found = refusal(await scene.me.call("POST", path, body, expect=422), "VALIDATION_ERROR")
        assert list(found["details"]) == ["service_completed_at"]
    assert (await scene.me.call("POST", path, {"service_completed_at": None}))["data"]["booking"][
        "status"
    ] == "completed"


async def test_what_is_not_mine_is_not_there(scene: Scene) -> None:
    booking = await scene.accepted()
    for one in (booking["id"], str(uuid.uuid4())):
        base = f"/v1/partner/bookings/{one}"
        for method, path, body in (
            ("GET", base, None), ("POST", base + "/accept", None), ("POST", base + "/reject", {}),
            ("PATCH", base + "/status", {"status": "arrived"}), ("POST", base + "/complete", {}),
            ("POST", base + "/cancel", {"reason": "x"}),
        ):  # fmt: skip
            refusal(await scene.rival.call(method, path, body, expect=404), "NOT_FOUND")
    refusal(await scene.me.call("GET", "/v1/partner/bookings/words", expect=404), "NOT_FOUND")
    # Another audience's token, and none.
    refusal(await scene.customer.call("GET", "/v1/partner/bookings", expect=401), "UNAUTHORIZED")
    nobody = Person(scene.live, "technician", "")
    refusal(await nobody.call("GET", "/v1/partner/bookings", expect=401), "UNAUTHORIZED")


async def test_given_back(scene: Scene) -> None:
    booking = await scene.accepted()
    path = f"/v1/partner/bookings/{booking['id']}/cancel"
    for body, field in (({}, "reason"), ({"reason": "  "}, "reason"), ({"reason": "x" * 501}, "reason")):
        assert list(refusal(await scene.me.call("POST", path, body, expect=422), "VALIDATION_ERROR")["details"]) == [
            field
        ]
    given = (await scene.me.call("POST", path, {"reason": "the van broke down"}))["data"]
    assert given["status"] == "cancelled" and given["booking"]["assignment_status"] == "cancelled"
    assert given["booking"]["customer"] is None and "address_line1" not in given["booking"]["address"]
    stats = (await scene.me.call("GET", "/v1/partner/dashboard"))["data"]["stats"]
    assert stats["cancelled_bookings"] == 1
    accept = await scene.me.call("POST", path.replace("cancel", "accept"), expect=409)
    refusal(accept, "OFFER_ANSWERED")


async def test_listing_refuses_what_it_does_not_know(scene: Scene) -> None:
    for query, field in (("status=lost", "status"), ("date=tomorrow", "date"), ("page=0", "page")):
        answer = await scene.me.call("GET", f"/v1/partner/bookings?{query}", expect=422)
        assert field in refusal(answer, "VALIDATION_ERROR")["details"]


async def test_fix_over_rest_and_socket_are_one(scene: Scene) -> None:
    """The position that came with the availability and the next one over the socket are one track."""
    await scene.me.call(
        "PATCH", "/v1/partner/availability",
        {"is_available": True, "current_lat": scene.place[0], "current_lng": scene.place[1]},
    )  # fmt: skip
    await scene.me.connect()
    await scene.advance(seconds=5)
    answer = await scene.me.ask(
        "location.report", {"fixes": [fix(scene.live, scene.place[0] + 0.0001, scene.place[1])]}
    )
    assert answer["data"] == {"admitted": 1, "refreshed": 0, "dropped": {}}


async def test_place_and_person_go_by_the_stage_of_the_tie(scene: Scene) -> None:
    """Rough before it is theirs, exact while it is, nothing afterwards: over REST, in the offer and in a resume."""
    await scene.me.connect()
    booking = await scene.offered()
    base = f"/v1/partner/bookings/{booking['id']}"
    exact = list(scene.place)
    offered = (await scene.me.call("GET", base))["data"]
    made = await scene.me.hears("offer.made", booking_id=booking["id"])
    for place in (offered, made):
        assert [place["lat"], place["lng"]] != exact
        assert abs(place["lat"] - exact[0]) < 0.005 and abs(place["lng"] - exact[1]) < 0.005
    assert made["pincode"] == "700032" and made["distance_m"] % 500 == 0
    mine = (await scene.me.call("POST", base + "/accept"))["data"]["booking"]
    assert [mine["lat"], mine["lng"]] == exact and mine["address"]["address_line1"] == "123 Main St"
    assert set(mine["customer"]) == {"name", "phone"}
    theirs = (await scene.customer.call("GET", f"/v1/bookings/{booking['id']}"))["data"]
    assert theirs["partner"]["phone"]
    # The offer is over: whoever resumes hears of it without its place.
    scene.me.heard.clear()
    stream = (await scene.me.ask("resume", {}))["data"]["streams"]
    await scene.me.ask("resume", {"streams": {next(iter(stream)): 0}})
    again = await scene.me.hears("offer.made", booking_id=booking["id"])
    assert again["offer_id"] == made["offer_id"] and not {"lat", "lng", "pincode", "distance_m"} & set(again)
    for step in ("in_transit", "arrived", "in_progress"):
        await scene.step(booking, step)
    await scene.me.call("POST", base + "/complete", {})
    await scene.advance(hours=11.5)
    assert (await scene.me.call("GET", base))["data"]["customer"]["phone"] == "+911234567890"
    await scene.advance(hours=1)
    over = (await scene.me.call("GET", base))["data"]
    assert (over["lat"], over["lng"], over["customer"]) == (None, None, None)
    assert set(over["address"]) == {"city", "state"}
    theirs = (await scene.customer.call("GET", f"/v1/bookings/{booking['id']}"))["data"]
    assert theirs["partner"]["phone"] is None and theirs["partner"]["name"]


async def test_after_giving_back_no_place_is_left_and_no_words_are_passed_on(scene: Scene) -> None:
    await scene.customer.connect()
    booking = await scene.accepted()
    base = f"/v1/partner/bookings/{booking['id']}"
    left = (await scene.me.call("POST", base + "/cancel", {"reason": "CANARY she is rude"}))["data"]["booking"]
    assert (left["lat"], left["lng"], left["customer"]) == (None, None, None)
    timeline = (await scene.customer.call("GET", f"/v1/bookings/{booking['id']}/timeline"))["data"]
    told = await scene.customer.hears("booking.updated", event="booking.reopened")
    assert {e["action"] for e in timeline} >= {"partner.cancelled", "booking.reopened"}
    for text in (str(timeline), str(scene.customer.heard), str(told)):
        assert "CANARY" not in text and "attempts_exhausted" not in text
    # One table: what the timeline shows of a fact is what the socket was told.
    heard = {d["seq"]: d["data"] for e, d in scene.customer.heard if e == "booking.updated"}
    for event in timeline:
        if event["seq"] in heard:
            assert event["data"] == {k: v for k, v in heard[event["seq"]].items() if v is not None}
