"""Staff through the internal API: what is more important, what people do, moved and cancelled by the house."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from dispatch.process import runtime
from tests.api.internal.conftest import Scene
from tests.api.live import give
from tests.api.test_story import book


async def queue_of(scene: Scene) -> list[tuple[str, int]]:
    found = (await scene.service.call("GET", "/v1/internal/assignments/queue"))["data"]["pending_assignments"]
    return [(w["booking_id"], w["priority"]) for w in found]


async def row(scene: Scene, booking_id: str, column: str) -> Any:
    return await scene.live.value(f"SELECT {column} FROM bookings WHERE id = $1", uuid.UUID(booking_id))


async def test_the_queue_goes_by_priority_and_every_change_is_audited(scene: Scene) -> None:
    first, second = [(await book(scene.customer, scene.place))["id"] for _ in range(2)]
    assert await queue_of(scene) == [(first, 0), (second, 0)]
    path = f"/v1/internal/bookings/{second}"
    told = (await scene.service.call("PATCH", path, {"assignment_priority": 5}))["data"]
    assert (told["assignment_priority"], told["auto_assignment_enabled"]) == (5, True)
    assert await queue_of(scene) == [(second, 5), (first, 0)]
    # The same again changes nothing, and is not written down.
    await scene.service.call("PATCH", path, {"assignment_priority": 5})
    await scene.service.call("PATCH", path, {})
    audits = "SELECT count(*) FROM audit_log WHERE action = 'update_booking' AND actor_id = 'test'"
    assert await scene.live.value(audits) == 1
    told = (await scene.service.call("GET", f"{path}/dispatch"))["data"]["timeline"][-1]
    assert (told["action"], told["by"]) == ("booking.priority_changed", "admin:test")
    assert told["data"] == {"assignment_priority": {"old": 0, "new": 5}}


async def test_without_automatic_assignment_the_next_step_is_the_queue(scene: Scene) -> None:
    await scene.online(0)
    await scene.online(1)
    booking = await book(scene.customer, scene.place)
    path = f"/v1/internal/bookings/{booking['id']}"
    await scene.service.call("PATCH", path, {"auto_assignment_enabled": False})
    # The open offer goes on; nobody else is asked after it.
    assert await row(scene, booking["id"], "status") == "partner_assigned"
    await scene.technicians[0].call("POST", f"/v1/partner/bookings/{booking['id']}/reject", {})
    assert await row(scene, booking["id"], "status") == "pending"
    assert await row(scene, booking["id"], "queue_reason") == "manual"
    assert await queue_of(scene) == [(booking["id"], 0)]


async def test_moved_by_staff(scene: Scene) -> None:
    await scene.online(0)
    booking = await book(scene.customer, scene.place)
    path = f"/v1/internal/bookings/{booking['id']}/reschedule"
    told = (await scene.service.call("POST", path, {"booking_date": "2026-01-07", "booking_time": "02:00 PM"}))["data"]
    assert (told["booking_date"], told["booking_time"]) == ("2026-01-07", "14:00:00")
    assert await scene.live.value("SELECT actor_kind FROM booking_events WHERE type = 'booking.rescheduled'") == "admin"
    refused = await scene.service.call(
        "POST", path, {"booking_date": "2026-01-07", "booking_time": "02:10 PM"}, expect=422
    )
    assert list(refused["error"]["details"]) == ["booking_time"]
    far = await scene.service.call("POST", path, {"booking_date": "9999-12-31", "booking_time": "10:00"}, expect=422)
    assert list(far["error"]["details"]) == ["booking_date"]


@pytest.mark.parametrize("is_paid", [False, True])
async def test_cancelled_by_staff_costs_nothing(scene: Scene, is_paid: bool) -> None:
    await scene.online(0)
    if is_paid:
        me = (await scene.customer.call("GET", "/v1/auth/me"))["data"]["id"]
        await give(scene.live, UUID(me), 10_000_000)
    booking = await book(scene.customer, scene.place, use_wallet=is_paid)
    await scene.technicians[0].call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
    # Long after a customer's cancelling is free.
    await runtime.set_clock(scene.live.services, scene.live.services.clock.shifted(timedelta(minutes=20)))
    path = f"/v1/internal/bookings/{booking['id']}/cancel"
    assert list((await scene.service.call("POST", path, {"reason": " "}, expect=422))["error"]["details"]) == ["reason"]
    told = (await scene.service.call("POST", path, {"reason": "nobody may travel today"}))["data"]
    # What the wallet paid is back in it at once, so the booking is refunded already.
    assert told["status"] == ("refunded" if is_paid else "cancelled")
    assert told["refund_status"] == ("processing" if is_paid else "none")
    total_minor = await row(scene, booking["id"], "grand_total_minor")
    assert await row(scene, booking["id"], "cancelled_by") == "admin"
    assert await row(scene, booking["id"], "cancellation_fee_minor") == 0
    assert await row(scene, booking["id"], "refund_minor") == (total_minor if is_paid else 0)
    assert await scene.live.value("SELECT count(*) FROM audit_log WHERE action = 'cancel_booking'") == 1
    again = await scene.service.call("POST", path, {"reason": "again"}, expect=409)
    late = await scene.service.call("PATCH", path.removesuffix("/cancel"), {"assignment_priority": 1}, expect=409)
    assert again["error"]["code"] == late["error"]["code"] == "WRONG_STATE"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "", {"assignment_priority": 2**31}, 422),
        ("PATCH", "", {"assignment_priority": "high"}, 422),
        ("PATCH", "", {"assignment_priority": 1}, 404),
        ("POST", "/reschedule", {"booking_date": "2026-01-07", "booking_time": "10:00"}, 404),
        ("POST", "/cancel", {"reason": "why not"}, 404),
    ],
)
async def test_refusals(scene: Scene, method: str, path: str, body: Any, status: int) -> None:
    await scene.service.call(method, f"/v1/internal/bookings/{uuid.uuid4()}{path}", body, expect=status)
    await scene.technicians[0].call(method, f"/v1/internal/bookings/{uuid.uuid4()}{path}", body, expect=401)
