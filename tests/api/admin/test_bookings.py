"""Bookings as staff find them, move them along legal steps, cancel them and pay back."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.admin.counter import Counter
from tests.dispatch.billing.till import GRAND


async def technician(c: Counter, km: float = 0.1) -> Any:
    """Nearer than all others, and alone with the next booking."""
    await c.world.execute("UPDATE technicians SET is_available = false")
    made = await c.world.technician(km_north=km)
    await c.world.services.roster.refresh()
    return made


async def test_a_list_is_filtered_searched_and_exported(counter: Counter) -> None:
    who = await technician(counter)
    account_id = await counter.world.customer("Meena")
    booking = await counter.world.book(account_id)
    await counter.world.accept(booking.id, who)
    other = await counter.world.book(hours=72, dispatch=False)
    day = booking.local_date.isoformat()
    for query in (
        f"partner_id={who}", f"user_id={account_id}", f"search={booking.number}", "status=confirmed,completed",
        f"date_from={day}&date_to={day}&is_assigned=true", "service_category=Facial&is_queued=false&status=confirmed",
    ):  # fmt: skip
        found = {b["id"] for b in (await counter.ask("GET", f"/bookings?{query}"))["bookings"]}
        assert str(booking.id) in found and str(other.id) not in found, query
    page = await counter.ask("GET", "/bookings?limit=1&sort=-starts_at")
    assert page["bookings"][0]["id"] == str(other.id) and page["pagination"]["total"] >= 2
    shown = (await counter.ask("GET", f"/bookings?search={booking.number}"))["bookings"][0]
    assert shown["user"]["name"] == "Meena" and shown["partner"]["id"] == str(who)
    status, _, _ = await counter.staff.call("GET", "/admin/bookings?status=sleeping&date_from=never")
    assert status == 422
    headers = {"Authorization": f"Bearer {counter.staff.token}"}
    path = f"/v1/admin/bookings/export?search={booking.number}"
    async with counter.staff.client.get(path, headers=headers) as reply:
        rows = list(csv.reader(io.StringIO((await reply.text()).lstrip("\ufeff"))))
    assert rows[0][0] == "Booking" and [r[0] for r in rows[1:]] == [booking.number]


async def test_a_status_is_reached_by_legal_steps_only(counter: Counter) -> None:
    who = await technician(counter)
    booking = await counter.till.paid()
    path = f"/bookings/{booking.id}/status"
    for wrong in ("in_progress", "completed", "refunded", "partner_assigned"):
        answer = await counter.ask("PATCH", path, {"status": wrong}, expect=409)
        assert answer["error"]["code"] == "WRONG_STATE", wrong
    confirmed = await counter.ask("PATCH", path, {"status": "confirmed", "notes": "By phone"})
    assert (confirmed["booking"]["status"], confirmed["booking"]["partner"]["id"]) == ("confirmed", str(who))
    assert (await counter.audited("change_booking_status"))["notes"] == "By phone"
    done = await counter.ask("PATCH", path, {"status": "completed"})
    assert done["booking"]["status"] == "completed"
    timeline = await counter.ask("GET", f"/bookings/{booking.id}/timeline")
    steps = [(e["action"], e["by"]) for e in timeline]
    assert ("partner.arrived", "admin") in steps and ("service.started", "admin") in steps
    assert steps.count(("booking.completed", "admin")) == 1
    assert await counter.world.value("SELECT count(*) FROM earnings WHERE booking_id = $1", booking.id) == 1
    await counter.ask("PATCH", path, {"status": "cancelled"}, expect=409)
    await counter.ask("PATCH", path, {"status": "refunded", "notes": "Sorry"})
    await counter.till.drain()
    assert (await counter.world.booking(booking.id)).status == "refunded"
    await counter.ask("PATCH", path, {"status": "sleeping"}, expect=422)
    await counter.ask("PATCH", f"/bookings/{uuid4()}/status", {"status": "confirmed"}, expect=404)
    await counter.check()


async def test_a_job_is_taken_back_and_nobody_else_is_there(counter: Counter) -> None:
    who = await technician(counter)
    booking = await counter.world.book()
    path = f"/bookings/{booking.id}/status"
    await counter.world.accept(booking.id, who)
    await counter.world.execute("UPDATE technicians SET is_available = false")
    await counter.world.services.roster.refresh()
    taken = await counter.ask("PATCH", path, {"status": "pending", "notes": "The wrong person"})
    assert (taken["booking"]["status"], taken["booking"]["partner"]) == ("pending", None)
    assert taken["booking"]["queue_reason"] is not None
    answer = await counter.ask("PATCH", path, {"status": "partner_assigned"}, expect=409)
    assert answer["error"]["code"] == "NO_CANDIDATE"
    gone = await counter.ask("PATCH", path, {"status": "cancelled", "notes": "Nobody can"})
    assert gone["booking"]["cancellation"]["reason"] == "Nobody can"


@pytest.mark.parametrize(("back", "to_wallet", "status"), [
    (None, False, "processing"), (500.5, True, "completed"), (0, False, "none"),
])  # fmt: skip
async def test_staff_cancel_and_say_what_goes_back_and_where(
    counter: Counter, back: float | None, to_wallet: bool, status: str
) -> None:
    await technician(counter)
    booking = await counter.till.paid()
    path = f"/bookings/{booking.id}/cancel"
    over = await counter.ask("POST", path, {"reason": "x", "refund_amount": GRAND / 100 + 1}, expect=409)
    assert over["error"]["code"] == "OVER_REFUND"
    await counter.ask("POST", path, {"reason": " "}, expect=422)
    await counter.ask("POST", path, {"reason": "x", "refund_amount": -1}, expect=422)
    body = {"reason": "Customer request", "refund_to_wallet": to_wallet, "refund_amount": back}
    answer = await counter.ask("POST", path, {k: v for k, v in body.items() if v is not None})
    assert answer["booking"]["cancellation"]["cancelled_by"] == "admin"
    told = answer["refund"]
    assert (told["refund_amount"], told["status"]) == (GRAND / 100 if back is None else back, status)
    if to_wallet:
        wallet = await counter.world.value(
            "SELECT balance_minor FROM ledger_accounts WHERE owner_id = $1 AND type = 'wallet'", booking.account_id
        )
        assert wallet == 50050
    await counter.ask("POST", path, {"reason": "again"}, expect=409)
    await counter.till.drain()
    await counter.check()


async def test_what_the_customers_own_cancelling_would_cost_is_told(counter: Counter) -> None:
    await technician(counter)
    booking = await counter.till.paid()
    path = f"/bookings/{booking.id}"
    cost = await counter.ask("GET", f"{path}/cancellation")
    assert (cost["fee"], cost["refund"]) == (0, GRAND / 100) and cost["free_until"] is not None
    await counter.ask("POST", f"{path}/cancel", {"reason": "x"})
    over = await counter.ask("GET", f"{path}/cancellation", expect=409)
    assert over["error"]["code"] == "WRONG_STATE"


async def test_a_refund_never_exceeds_what_was_paid(counter: Counter) -> None:
    await technician(counter)
    booking = await counter.till.paid()
    path = f"/bookings/{booking.id}/refund"
    for wrong in (0, "much", 1.001, -5, None):
        await counter.ask("POST", path, {"amount": wrong, "reason": "x"}, expect=422)
    await counter.ask("POST", path, {"amount": 1}, expect=422)
    part = await counter.ask("POST", path, {"amount": 771.2, "reason": "Late", "notes": "An hour"})
    assert part["refund_amount"] == 771.2 and part["status"] == "processing"
    assert (await counter.audited("refund_booking"))["notes"] == "An hour"
    await counter.ask("POST", path, {"amount": 1000.01, "reason": "x"}, expect=409)
    listed = await counter.ask("GET", f"/bookings/{booking.id}/refunds")
    assert [r["refund_id"] for r in listed] == [part["refund_id"]]
    unpaid = await counter.world.book()
    await counter.ask("POST", f"/bookings/{unpaid.id}/refund", {"amount": 1, "reason": "x"}, expect=409)
    await counter.ask("POST", f"/bookings/{uuid4()}/refund", {"amount": 1, "reason": "x"}, expect=404)
    await counter.till.drain()
    await counter.check()


async def test_a_booking_is_preferred_and_moved(counter: Counter) -> None:
    await technician(counter)
    booking = await counter.world.book(hours=5, dispatch=False)
    changed = await counter.ask("PATCH", f"/bookings/{booking.id}", {"assignment_priority": 7})
    assert changed["booking"]["assignment_priority"] == 7
    day = (booking.local_date + timedelta(days=1)).isoformat()
    moved = await counter.ask(
        "POST", f"/bookings/{booking.id}/reschedule", {"booking_date": day, "booking_time": "11:00 AM"}
    )
    assert moved["booking"]["booking_date"] == day
    await counter.ask("POST", f"/bookings/{booking.id}/reschedule", {"booking_date": "never"}, expect=422)
    await counter.ask("PATCH", f"/bookings/{uuid4()}", {"assignment_priority": 1}, expect=404)


async def test_support_may_not_pay_back_and_finance_may_not_cancel(counter: Counter) -> None:
    booking = await counter.world.book(dispatch=False)
    for role, path, body in (
        ("support", "refund", {"amount": 1, "reason": "x"}), ("finance", "cancel", {"reason": "x"}),
    ):  # fmt: skip
        visitor = await counter.role(role)
        status, answer, _ = await visitor.call("POST", f"/admin/bookings/{booking.id}/{path}", body)
        assert (status, answer["error"]["code"]) == (403, "FORBIDDEN")


async def test_a_status_that_pays_back_needs_the_right_to(counter: Counter) -> None:
    who = await technician(counter)
    booking = await counter.till.paid()
    await counter.till.finish(booking, who)
    support, path = await counter.role("support"), f"/admin/bookings/{booking.id}/status"
    status, answer, _ = await support.call("PATCH", path, {"status": "refunded"})
    assert (status, answer["error"]["code"]) == (403, "FORBIDDEN")
    assert (await support.call("PATCH", path, {"status": "cancelled"}))[0] == 409
    assert await counter.world.value("SELECT count(*) FROM refunds WHERE booking_id = $1", booking.id) == 0
    await counter.ask("PATCH", f"/bookings/{booking.id}/status", {"status": "refunded"})
    await counter.till.drain()
