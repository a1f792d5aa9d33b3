"""What is to be paid is said before it is agreed, and the same on every screen."""

from __future__ import annotations

from tests.trials.callers import Trial
from tests.trials.people import Customer, whose_offer


async def test_every_screen_says_the_amount_that_is_collected(trial: Trial) -> None:
    customer = await Customer.new(trial)
    cart, preview = await customer.prepared(days=6)
    assert preview["outstanding_fee"] == 0.0
    total = preview["pricing"]["grand_total"]
    assert preview["amount_to_collect"] == total
    body = {
        "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": cart["address_id"],
        "booking_date": cart["booking_date"], "booking_time": preview["available_time_slots"][0],
        "customer_name": "Asha Sen", "customer_phone": customer.phone, "cancellation_policy_accepted": True,
    }  # fmt: skip
    confirmed = (await customer.ok("POST", "/v1/checkout/confirm", body))["booking"]
    detail = await customer.ok("GET", f"/v1/bookings/{confirmed['id']}")
    technician = await whose_offer(trial, confirmed)
    offer = await technician.ok("GET", f"/v1/partner/bookings/{confirmed['id']}")
    for screen in (confirmed, detail, offer):
        assert found(screen, "amount_to_collect") == [total], screen


def found(value: object, key: str) -> list[object]:
    """Every value of a key, however deep, once."""
    if isinstance(value, dict):
        here = [value[key]] if key in value else []
        return sorted({*here, *(one for v in value.values() for one in found(v, key))})  # type: ignore[type-var]
    if isinstance(value, list):
        return sorted({one for v in value for one in found(v, key)})  # type: ignore[type-var]
    return []


async def test_a_technician_s_payout_and_earnings_agree(trial: Trial) -> None:
    customer = await Customer.new(trial)
    booking = await customer.booking(days=7)
    technician = await whose_offer(trial, booking)
    stats = (await technician.ok("GET", "/v1/partner/dashboard"))["stats"]
    earnings = await technician.ok("GET", "/v1/partner/earnings")
    assert stats["pending_payout"] == earnings.get("payable", stats["pending_payout"])


async def test_the_fee_of_a_cancellation_is_known_before(trial: Trial) -> None:
    customer = await Customer.new(trial)
    booking = await customer.booking(days=8)
    detail = await customer.ok("GET", f"/v1/bookings/{booking['id']}")
    assert found(detail, "cancellation_fee") or found(detail, "fee"), detail


async def test_the_ledger_is_proved(trial: Trial) -> None:
    code, out, err = await trial.house.command("ledger", "check")
    assert code == 0, (out, err)
