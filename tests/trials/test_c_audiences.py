"""Who learns what: before an offer is accepted, after it ended, and whose words are told to whom."""

from __future__ import annotations

import json

from tests.trials.callers import Trial
from tests.trials.people import Customer, whose_offer


async def test_before_accepting_a_place_is_rough_and_afterwards_nothing(trial: Trial) -> None:
    customer = await Customer.new(trial)
    address, booking = await customer.address(), await customer.booking(days=3)
    technician = await whose_offer(trial, booking)
    shown = await technician.ok("GET", f"/v1/partner/bookings/{booking['id']}")
    text = json.dumps(shown)
    for secret in (str(address["lat"]), str(address["lng"]), address["address_line1"], customer.phone, "Asha Sen"):
        assert secret not in text, secret
    await technician.ok("POST", f"/v1/partner/bookings/{booking['id']}/reject", {"reason": "A word of mine"})
    after = await technician.call("GET", f"/v1/partner/bookings/{booking['id']}")
    assert after.status in (200, 403, 404)
    for secret in (str(address["lat"]), str(address["lng"]), address["address_line1"], customer.phone, "Asha Sen"):
        assert secret not in json.dumps(after.body), secret


async def test_a_customer_never_reads_what_a_technician_said(trial: Trial) -> None:
    customer = await Customer.new(trial)
    booking = await customer.booking(days=4)
    technician = await whose_offer(trial, booking)
    await technician.ok("POST", f"/v1/partner/bookings/{booking['id']}/reject", {"reason": "Rude words of mine"})
    for path in (f"/v1/bookings/{booking['id']}", f"/v1/bookings/{booking['id']}/timeline", "/v1/users/me/export"):
        reply = await customer.call("GET", path)
        assert "Rude words" not in json.dumps(reply.body), path
        assert "attempts_exhausted" not in json.dumps(reply.body), path


async def test_a_technician_never_has_the_customer_s_e_mail(trial: Trial) -> None:
    customer = await Customer.new(trial)
    profile = await customer.ok("GET", "/v1/auth/me")
    email = profile.get("email") or profile["user"]["email"]
    booking = await customer.booking(days=5)
    technician = await whose_offer(trial, booking)
    await technician.ok("POST", f"/v1/partner/bookings/{booking['id']}/accept", {})
    shown = json.dumps(await technician.ok("GET", f"/v1/partner/bookings/{booking['id']}"))
    assert "Asha Sen" in shown
    assert email not in shown


async def test_an_export_says_everything(trial: Trial) -> None:
    customer = await Customer.new(trial)
    export = json.dumps(await customer.ok("GET", "/v1/users/me/export"))
    for kind in ("bookings", "payments", "wallet", "contact_submissions", "refunds"):
        assert kind in export, kind
