"""Many at once: each row on its own, and told."""

from __future__ import annotations

from uuid import uuid4

from tests.api.admin.counter import Counter


async def test_statuses_and_assignments_of_many_are_told_row_by_row(counter: Counter) -> None:
    world = counter.world
    first = await world.book(hours=30, dispatch=False)
    second = await world.book(hours=33, dispatch=False)
    who = await world.technician(km_north=0.2)
    items = [
        {"id": str(first.id), "partner_id": str(who)}, {"id": str(uuid4())},
        {"id": str(second.id), "partner_id": str(uuid4())},
    ]  # fmt: skip
    told = await counter.ask("POST", "/bookings/batch/assign", {"items": items})
    assert [(r["row"], r["ok"]) for r in told["results"]] == [(1, True), (2, False), (3, False)]
    assert (told["succeeded"], told["failed"]) == (1, 2) and told["results"][1]["error"]["code"] == "NOT_FOUND"
    items = [
        {"id": str(first.id), "status": "cancelled", "notes": "Rain"}, {"id": str(second.id), "status": "completed"},
    ]  # fmt: skip
    told = await counter.ask("POST", "/bookings/batch/status", {"items": items})
    assert told["results"][0]["status"] == "cancelled" and told["results"][0]["error"] is None
    assert told["results"][1]["error"]["code"] == "WRONG_STATE"
    assert (await world.booking(second.id)).status == "pending"
    assert await world.value(
        "SELECT count(*) FROM audit_log WHERE action = 'change_booking_status' AND resource_id = $1", str(first.id)
    ) == 1  # fmt: skip


async def test_in_a_batch_too_only_who_may_pays_back(counter: Counter) -> None:
    world = counter.world
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    who = await world.technician(km_north=0.05)
    paid = await counter.till.paid()
    await counter.till.finish(paid, who)
    items = [{"id": str(paid.id), "status": status} for status in ("refunded", "cancelled")]
    support = await counter.role("support")
    _, answer, _ = await support.call("POST", "/admin/bookings/batch/status", {"items": items})
    assert [r["error"]["code"] for r in answer["data"]["results"]] == ["FORBIDDEN", "WRONG_STATE"]
    assert (await world.booking(paid.id)).status == "completed"
    told = await counter.ask("POST", "/bookings/batch/status", {"items": items[:1]})
    assert told["succeeded"] == 1
    await counter.till.drain()


async def test_services_and_promo_codes_of_many_are_changed(counter: Counter) -> None:
    facial = str(counter.world.service_ids["Facial"])
    items = [{"id": facial, "product_cost": 1500}, {"id": facial, "market_price": 1}, {"id": str(uuid4())}]
    told = await counter.ask("POST", "/services/batch", {"items": items})
    assert [r["ok"] for r in told["results"]] == [True, False, False]
    assert "market_price" in told["results"][1]["error"]["details"]
    code = {"code": "MANY", "discount_type": "percentage", "discount_value": 5}
    promo = (await counter.ask("POST", "/promo-codes", code, expect=201))["promo_code"]["id"]
    items = [{"id": promo, "is_active": False}, {"id": promo, "discount_value": 101}]
    told = await counter.ask("POST", "/promo-codes/batch", {"items": items})
    assert [(r["ok"], r["status"]) for r in told["results"]] == [(True, "inactive"), (False, None)]


async def test_payouts_of_many_are_completed_each_with_its_proof(counter: Counter) -> None:
    world = counter.world
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    who = await world.technician(km_north=0.05)
    await counter.till.finish(await counter.till.paid(), who)
    made = await counter.ask("POST", "/payouts", {"partner_id": str(who), "payment_method": "upi"}, expect=201)
    payout = made["payout"]["id"]
    items = [{"id": payout}, {"id": payout, "upi_transaction_id": "U1"}, {"id": payout, "upi_transaction_id": "U2"}]
    told = await counter.ask("POST", "/payouts/batch/process", {"items": items})
    assert [r["ok"] for r in told["results"]] == [False, True, False]
    assert (await counter.ask("GET", f"/payouts/{payout}"))["upi_transaction_id"] == "U1"
    await counter.check()


async def test_a_batch_has_bounds_and_types(counter: Counter) -> None:
    for items in ([], [{"id": "x", "status": "confirmed"}], [{"id": str(uuid4()), "status": "confirmed"}] * 101):
        await counter.ask("POST", "/bookings/batch/status", {"items": items}, expect=422)
    finance = await counter.role("finance")
    body = {"items": [{"id": str(uuid4()), "status": "cancelled"}]}
    assert (await finance.call("POST", "/admin/bookings/batch/status", body))[0] == 403
