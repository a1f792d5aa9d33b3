"""What clients are told: sentences in our own words, documents that hold, values that can be shown."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.trials.callers import Trial
from tests.trials.people import Customer, Technician, day, fresh_phone, whose_offer

#: Words of frameworks and insides.
FOREIGN = re.compile(r"pydantic|value_error|regex|pattern|type=|NoneType|Traceback|\^|\\d|_In\b|Literal", re.IGNORECASE)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/auth/send-otp", {"phone_number": "nonsense", "purpose": "login"}, "phone_number"),
        ("/v1/auth/send-otp", {"phone_number": "+911000100001", "purpose": "fun"}, "purpose"),
        ("/v1/checkout/prepare", {"service_ids": ["x"]}, "service_ids.0"),
        ("/v1/checkout/prepare", {"service_ids": [str(uuid4())], "booking_date": "2026-13-27"}, "booking_date"),
        ("/v1/users/addresses", {"name": ""}, "name"),
        ("/v1/promo-codes/validate", {"code": 5}, "code"),
    ],
)
async def test_a_message_is_the_sentence_of_the_first_bad_field(
    customer: Customer, path: str, body: dict[str, Any], field: str
) -> None:
    reply = await customer.call("POST", path, body)
    details = reply.body["error"]["details"]
    assert field in details, reply.body
    assert reply.message == next(iter(details.values()))[0]
    for text in (sentence for sentences in details.values() for sentence in sentences):
        assert text[0].isupper() and text.endswith(".") and not FOREIGN.search(text), text


async def test_what_is_not_there_is_said_in_a_sentence(customer: Customer) -> None:
    absent = str(uuid4())
    replies = [
        await customer.call("GET", f"/v1/bookings/{absent}"),
        await customer.call("GET", f"/v1/services/{absent}"),
        await customer.call(
            "POST", "/v1/checkout/confirm", {**await customer.confirmation(days=11), "preview_id": absent}
        ),
        await customer.call("DELETE", f"/v1/users/addresses/{absent}"),
    ]
    for reply in replies:
        assert reply.status in (404, 410, 409), reply.body
        assert not re.search(r"no such [A-Z]|or…|own key used", reply.message), reply.message


async def test_schemas_have_one_name_each(trial: Trial) -> None:
    document = (await trial.call("GET", "/openapi.json")).body
    titles = Counter(one.get("title", name) for name, one in document["components"]["schemas"].items())
    assert [title for title, count in titles.items() if count > 1] == []


async def test_acknowledgements_are_typed(trial: Trial) -> None:
    text = json.dumps((await trial.call("GET", "/asyncapi.json")).body)
    for word in ("accuracy_m", "eta_confidence", "fix_age_s", "resume"):
        assert word in text, word


async def test_refused_sockets_are_told_why(trial: Trial, customer: Customer) -> None:
    polling = await trial.call("GET", "/socket.io/?EIO=4&transport=polling")
    assert "transports" in json.dumps(polling.body)
    async with trial.socket("/customer", customer.token) as socket:
        await socket.ws.send_str("40/nowhere,")
        told = json.loads((await socket.packet()).split(",", 1)[1])
    assert told["message"] and told["data"]["code"] == "unknown_namespace"


async def test_a_limit_that_is_too_large_is_cut_everywhere(trial: Trial, customer: Customer) -> None:
    for path in ("/v1/bookings", "/v1/notifications", "/v1/wallet"):
        reply = await customer.call("GET", f"{path}?limit=500")
        assert reply.status == 200, (path, reply.body)


async def test_bookings_are_filtered_by_the_day_of_the_visit(customer: Customer) -> None:
    booking = await customer.booking(days=12)
    shown = await customer.ok("GET", f"/v1/bookings?date_from={day(12)}&date_to={day(12)}")
    assert booking["id"] in [one["id"] for one in shown["bookings"]]
    other = await customer.ok("GET", f"/v1/bookings?date_from={day(13)}&date_to={day(13)}")
    assert booking["id"] not in [one["id"] for one in other["bookings"]]


async def test_no_times_have_a_reason(customer: Customer) -> None:
    services = {
        one["category"]: one["id"] for one in (await customer.ok("GET", "/v1/services/catalog"))["all_services"]
    }
    cart = await customer.cart(days=6)
    both = await customer.ok(
        "POST", "/v1/checkout/prepare", {**cart, "service_ids": [services["Repairs"], services["Nail"]]}
    )
    if not both["available_time_slots"]:
        assert both["no_time"]["code"] and both["no_time"]["message"].endswith(".")


async def test_tiers_come_from_the_plainest_on(customer: Customer) -> None:
    order = ["Minimal", "Exclusive", "E-Lite"]
    catalogue = await customer.ok("GET", "/v1/services/catalog?category=Facial")
    by_type: dict[str, list[str]] = {}
    for one in catalogue["all_services"]:
        by_type.setdefault(one["service_type"], []).append(one["tier"])
    for tiers in by_type.values():
        assert tiers == sorted(tiers, key=order.index)


async def test_a_repeated_cancellation_is_answered_as_the_first(customer: Customer) -> None:
    booking = await customer.booking(days=13)
    key = {"X_Idempotency_Key": str(uuid4())}
    path, body = (
        f"/v1/bookings/{booking['id']}/cancel",
        {"reason": "Plans changed", "cancellation_reason": "Plans changed"},
    )
    first = await customer.call("POST", path, body, **key)
    second = await customer.call("POST", path, body, **key)
    assert first.status == 200, first.body
    assert (second.status, second.body.get("data")) == (200, first.body.get("data"))


async def test_an_address_says_the_same_of_itself_everywhere_and_keeps_its_pin(trial: Trial) -> None:
    customer = await Customer.new(trial)
    text = {
        "name": "Work",
        "address_line1": "12 Lake Road",
        "city": "Kolkata",
        "state": "West Bengal",
        "pincode": "700032",
    }
    bare = await customer.ok("POST", "/v1/users/addresses", text)
    assert bare["is_approximate"] is True
    pinned = await customer.ok("POST", "/v1/users/addresses", {**text, "name": "Studio", "lat": 22.5, "lng": 88.36})
    assert pinned["is_approximate"] is False
    corrected = await customer.ok("PUT", f"/v1/users/addresses/{pinned['id']}", {"address_line1": "12 Lake Raod"})
    assert (corrected["lat"], corrected["lng"]) == (22.5, 88.36)
    moved = await customer.ok(
        "PUT", f"/v1/users/addresses/{pinned['id']}", {"address_line1": "99 Park Street, tower 4"}
    )
    assert moved["lat"] is None and moved["is_approximate"] is True


@pytest.mark.parametrize("form", ["{} {}-{}", "\u202a{}{}{}\u202c", "{}\u00a0{}{}", "({}) {}{}"])
async def test_a_phone_is_read_alike_at_sign_in_and_at_checkout(trial: Trial, form: str) -> None:
    customer = await Customer.new(trial)
    written = form.format(customer.phone[:3], customer.phone[3:8], customer.phone[8:])
    body = await customer.confirmation(days=14, customer_phone=written)
    confirmed = await customer.call("POST", "/v1/checkout/confirm", body)
    assert confirmed.status in (200, 201), confirmed.body
    sent = await trial.call("POST", "/v1/auth/send-otp", {"phone_number": written, "purpose": "login"})
    assert sent.status == 200, sent.body


@pytest.mark.parametrize("name", ["\u200b\u200b", "\u2060", "\u00a0 \u00a0", "\u202e"])
async def test_a_name_that_nobody_can_see_is_none(customer: Customer, name: str) -> None:
    body = await customer.confirmation(days=15, customer_name=name)
    reply = await customer.call("POST", "/v1/checkout/confirm", body)
    assert reply.status == 422, reply.body
    assert "customer_name" in reply.body["error"]["details"]


async def test_no_number_has_the_noise_of_binary_fractions(trial: Trial, customer: Customer) -> None:
    booking = await customer.booking(days=19)
    # Of anybody: whether somebody has a place left for this booking is not what is asked here.
    technician = Technician(trial, await trial.token("technician", "PT-001"))
    service = await trial.token("service", "trials")
    told = [await technician.ok("GET", path) for path in ("/v1/partner/dashboard", "/v1/partner/bookings")]
    told += [await technician.ok("GET", f"/v1/partner/bookings/{one['id']}") for one in told[1]["bookings"][:3]]
    told += [await customer.ok("GET", path) for path in ("/v1/dashboard", "/v1/bookings", "/v1/services/catalog")]
    told.append(await trial.ok("GET", f"/v1/internal/bookings/{booking['id']}/dispatch", token=service))
    for one in told:
        assert re.findall(r"\d+\.\d{7,}", json.dumps(one)) == []


async def test_name_and_e_mail_from_checkout_fill_an_empty_profile(trial: Trial) -> None:
    phone = fresh_phone()
    await trial.ok("POST", "/v1/auth/send-otp", {"phone_number": phone, "purpose": "login"})
    newest = max(json.loads(await trial.house.said("outbox", "--to", phone, "--json")), key=lambda m: m["created_at"])
    proof = {"phone_number": phone, "otp_code": re.findall(r"\d{6}", newest["body"])[0], "purpose": "login"}
    signed_in = await trial.ok("POST", "/v1/auth/verify-otp", proof)
    customer = Customer(trial, signed_in["access_token"], phone)
    await customer.moves_in()
    for days, name, email in ((20, "Asha Sen", "asha.sen@example.com"), (21, "Bina Roy", "bina@example.com")):
        body = await customer.confirmation(days=days, customer_name=name, customer_email=email)
        await customer.ok("POST", "/v1/checkout/confirm", body)
        me = await customer.ok("GET", "/v1/auth/me")
        found = me.get("user", me)
        assert (found["name"], found["email"]) == ("Asha Sen", "asha.sen@example.com"), "the first fills it for good"


async def test_an_acceptance_is_told_once(trial: Trial) -> None:
    customer = await Customer.new(trial)
    booking = await customer.booking(days=22)
    technician = await whose_offer(trial, booking)

    async def told() -> list[str]:
        listed = await customer.ok("GET", "/v1/notifications?limit=100")
        found = listed["notifications"] if isinstance(listed, dict) else listed
        return [one["type"] for one in found if one["booking_id"] == booking["id"]]

    before = await told()
    await technician.ok("POST", f"/v1/partner/bookings/{booking['id']}/accept", {})
    assert len(await told()) == len(before) + 1


async def test_amounts_have_no_noise_and_a_unit_price_one_meaning(customer: Customer) -> None:
    _, preview = await customer.prepared(days=16, promo_code="SAVE10")
    booking = await customer.booking(days=16)
    raw = json.dumps([preview, await customer.ok("GET", f"/v1/bookings/{booking['id']}")])
    assert re.findall(r"\d+\.\d{7,}", raw) == []
    detail = await customer.ok("GET", f"/v1/bookings/{booking['id']}")
    lines = detail.get("booking", detail)["services"]
    priced = (await customer.prepared(days=16))[1]["services"]
    assert [one["unit_price"] for one in lines] == [one["unit_price"] for one in priced]
