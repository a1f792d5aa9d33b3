"""What is busy or away for a moment is asked again: nobody is turned away for good by something that passes."""

from __future__ import annotations

from tests.trials.callers import Trial
from tests.trials.people import Customer, whose_offer


async def test_one_s_own_held_time_is_free_for_oneself(trial: Trial) -> None:
    customer = await Customer.new(trial)
    cart, first = await customer.prepared(days=6)
    time = first["available_time_slots"][0]
    held = await customer.ok("POST", "/v1/checkout/prepare", {**cart, "booking_time": time})
    assert held["held_time"] is not None
    again = await customer.ok("POST", "/v1/checkout/prepare", {**cart, "booking_time": time, "promo_code": "SAVE10"})
    assert again["held_time"] == held["held_time"]
    listed = await customer.ok("POST", "/v1/checkout/prepare", cart)
    assert time in listed["available_time_slots"]


async def test_a_repeated_confirm_is_the_same_booking(trial: Trial) -> None:
    customer = await Customer.new(trial)
    body = await customer.confirmation(days=7)
    first = await customer.ok("POST", "/v1/checkout/confirm", body)
    second = await customer.ok("POST", "/v1/checkout/confirm", body)
    assert second["booking"]["id"] == first["booking"]["id"]


async def test_a_rejected_booking_goes_to_the_next_technician(trial: Trial) -> None:
    customer = await Customer.new(trial)
    booking = await customer.booking(days=8)
    first = await whose_offer(trial, booking)
    await first.ok("POST", f"/v1/partner/bookings/{booking['id']}/reject", {"reason": "No time"})
    service = await trial.token("service", "trials")
    told = await trial.call("GET", f"/v1/internal/bookings/{booking['id']}/dispatch", token=service)
    assert told.status == 200
    seen = await customer.ok("GET", f"/v1/bookings/{booking['id']}")
    assert seen.get("booking", seen)["status"] in ("pending", "partner_assigned"), "it is still being looked for"


async def test_staff_may_name_a_technician_who_has_an_open_offer(trial: Trial) -> None:
    customer = await Customer.new(trial)
    offered, other = await customer.booking(days=9), await customer.booking(days=10)
    technician = await whose_offer(trial, offered)
    token = await trial.token("service", "trials")
    partner = await technician.ok("GET", "/v1/partner/auth/me")
    partner_id = partner.get("id") or partner["partner"]["id"]
    reply = await trial.call(
        "POST", f"/v1/internal/bookings/{other['id']}/assign-partner", {"partner_id": partner_id, "force": True},
        token=token,
    )  # fmt: skip
    assert "offer_open" not in str(reply.body).lower()
    assert reply.status < 500
