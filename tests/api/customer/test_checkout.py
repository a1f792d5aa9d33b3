"""From the cart to the booking over HTTP, in the contract's own shapes."""

from __future__ import annotations

import asyncio
import html
import json
import re
from typing import Any
from uuid import uuid4

import pytest

from tests.api.customer.conftest import House, Visitor
from tests.identity import code_in_outbox

DAY = "2026-01-21"


async def facial(customer: Visitor) -> str:
    listed = (await customer.get("/services/catalog?category=Facial&tier=Minimal"))["all_services"]
    return str(next(s["id"] for s in listed if s["name"] == "Facial - Minimal"))


async def prepare(customer: Visitor, **body: Any) -> dict[str, Any]:
    service = await facial(customer)
    asked = {"service_ids": [service, service], "promo_code": "SAVE10", "booking_date": DAY, **body}
    status, answer, _ = await customer.call("POST", "/checkout/prepare", asked)
    assert status == 200, answer
    return dict(answer["data"])


def order(preview: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": preview["address"]["id"],
        "booking_date": DAY, "booking_time": "10:00 AM", "customer_name": "John Doe",
        "customer_phone": "+911234567890", "customer_email": "john@example.com",
        "cancellation_policy_accepted": True, **changes,
    }  # fmt: skip


async def test_prepare_answers_as_in_the_contract(customer: Visitor) -> None:
    data = await prepare(customer)
    assert data["pricing"] == {
        "subtotal": 2000.0, "savings": 400.0, "discount": 160.0, "tax": 331.2, "grand_total": 1771.2,
        "currency": "INR",
    }  # fmt: skip
    assert (data["outstanding_fee"], data["amount_to_collect"]) == (0.0, 1771.2)
    assert data["promo"]["code"] == "SAVE10"
    assert (data["promo"]["discount"], data["promo"]["valid"]) == (160.0, True)
    assert [(s["name"], s["quantity"], s["unit_price"]) for s in data["services"]] == [("Facial - Minimal", 2, 1000.0)]
    assert "08:00 AM" in data["available_time_slots"] or data["available_time_slots"]
    assert all(t.endswith(("AM", "PM")) for t in data["available_time_slots"])
    assert data["address"]["address_line1"] == "House 1"
    assert data["booking_date"] == DAY


async def test_a_unit_price_is_the_list_price_in_every_answer(customer: Visitor) -> None:
    preview = await prepare(customer)
    _, body, _ = await customer.call("POST", "/checkout/confirm", order(preview))
    _, detail, _ = await customer.call("GET", f"/bookings/{body['data']['booking']['id']}")
    shown = [detail["data"]["services"], preview["services"]]
    assert [[(s["unit_price"], s["charged_price"]) for s in one] for one in shown] == [[(1000.0, 800.0)]] * 2


async def test_a_day_without_times_says_why(customer: Visitor) -> None:
    assert (await prepare(customer))["no_time"] is None
    services = (await customer.call("GET", "/services/catalog"))[1]["data"]["all_services"]
    both = [s["id"] for s in services if s["name"] in ("Facial - Minimal", "Home cleaning - Minimal")]
    data = await prepare(customer, service_ids=both)
    assert data["available_time_slots"] == [] and data["no_time"]["code"] == "not_together"
    assert data["no_time"]["message"].endswith(".")


async def test_a_key_keeps_the_answer_of_the_confirm_itself(house: House, customer: Visitor) -> None:
    """The kept answer and the booking are one transaction: a confirm that is taken back keeps nothing."""
    preview, key = await prepare(customer), {"X-Idempotency-Key": "key-of-this-confirm-1"}
    first, body, _ = await customer.call("POST", "/checkout/confirm", order(preview), headers=key)
    again, same, headers = await customer.call("POST", "/checkout/confirm", order(preview), headers=key)
    assert (first, again) == (201, 201) and same == body and headers["Idempotent-Replayed"] == "true"
    kept = "SELECT k.xmin = b.xmin FROM idempotency_keys k, bookings b WHERE k.state = 'done'"
    assert await house.city.value(kept) is True


async def test_items_say_quantities_in_numbers(customer: Visitor) -> None:
    service = await facial(customer)
    status, body, _ = await customer.call(
        "POST",
        "/checkout/prepare",
        {"items": [{"service_id": service, "quantity": 2}], "promo_code": "SAVE10"},
    )
    assert status == 200
    assert body["data"]["pricing"]["grand_total"] == 1771.2


async def test_a_cash_booking_from_start_to_list(customer: Visitor) -> None:
    preview = await prepare(customer)
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(preview))
    assert status == 201, body
    booking = body["data"]["booking"]
    assert booking["status"] == "partner_assigned"
    assert booking["grand_total"] == 1771.2
    assert booking["booking_number"].startswith("BK-20260120-")
    assert body["data"]["message"] == "Booking created. Partner will be assigned shortly."
    assert "payment" not in body["data"]
    again, same, _ = await customer.call("POST", "/checkout/confirm", order(preview))
    assert (again, same["data"]["booking"]) == (201, booking)


async def test_no_technician_leaves_it_pending(house: House, customer: Visitor) -> None:
    preview = await prepare(customer, booking_time="10:00 AM")
    await house.city.run("UPDATE technicians SET is_active = false")
    await house.city.services.roster.refresh()
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(preview))
    assert status == 201, body
    assert body["data"]["booking"]["status"] == "pending"


async def test_eight_confirms_with_one_key_make_one_booking(house: House, customer: Visitor) -> None:
    body = order(await prepare(customer))
    key = {"X-Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(*(customer.call("POST", "/checkout/confirm", body, headers=key) for _ in range(8)))
    assert {s for s, _, _ in answers} <= {201, 409}
    made = {b["data"]["booking"]["id"] for s, b, _ in answers if s == 201}
    assert len(made) == 1
    assert await house.city.value("SELECT count(*) FROM bookings") == 1
    status, repeated, headers = await customer.call("POST", "/checkout/confirm", body, headers=key)
    assert (status, repeated["data"]["booking"]["id"]) == (201, made.pop())
    assert headers["Idempotent-Replayed"] == "true"
    status, _, _ = await customer.call("POST", "/checkout/confirm", {**body, "booking_time": "11:00 AM"}, headers=key)
    assert status == 422


async def test_eight_confirms_of_one_preview_make_one_booking(house: House, customer: Visitor) -> None:
    body = order(await prepare(customer))
    answers = await asyncio.gather(*(customer.call("POST", "/checkout/confirm", body) for _ in range(8)))
    assert {s for s, _, _ in answers} == {201}
    assert len({b["data"]["booking"]["id"] for _, b, _ in answers}) == 1
    assert await house.city.value("SELECT count(*) FROM bookings") == 1


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("preview_id", {"preview_id": "x"}),
        ("payment_method", {"payment_method": "cheque"}),
        ("address_id", {"address_id": None}),
        ("booking_date", {"booking_date": "20-01-2024"}),
        ("booking_date", {"booking_date": "2026-01-19"}),
        ("booking_date", {"booking_date": "2026-02-20"}),
        ("booking_time", {"booking_time": "25:00"}),
        ("booking_time", {"booking_time": "06:00 AM"}),
        ("booking_time", {"booking_time": "10:10"}),
        ("customer_name", {"customer_name": "  "}),
        ("customer_name", {"customer_name": "\u200b\u2060"}),
        ("customer_name", {"customer_name": "\u3164"}),
        ("customer_phone", {"customer_phone": "call me"}),
        ("customer_phone", {"customer_phone": "12"}),
        ("customer_email", {"customer_email": "nowhere"}),
        ("cancellation_policy_accepted", {"cancellation_policy_accepted": False}),
    ],
)
async def test_bad_fields_change_nothing(house: House, customer: Visitor, field: str, changes: dict[str, Any]) -> None:
    preview = await prepare(customer)
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(preview, **changes))
    assert status == 422, body
    assert list(body["error"]["details"]) == [field]
    assert await house.city.value("SELECT count(*) FROM bookings") == 0


@pytest.mark.parametrize("written", ["(033) 2222 3333", "\u202a+911234567890\u202c", "+91\u00a01234567890"])
async def test_a_phone_is_read_as_at_sign_in(customer: Visitor, written: str) -> None:
    sent = order(await prepare(customer), customer_phone=written)
    status, body, _ = await customer.call("POST", "/checkout/confirm", sent)
    assert status == 201, body


async def test_all_missing_fields_are_named_at_once(customer: Visitor) -> None:
    _, body, _ = await customer.call("POST", "/checkout/confirm", {})
    assert set(body["error"]["details"]) == {
        "preview_id", "payment_method", "address_id", "booking_date", "booking_time", "customer_name",
        "customer_phone",
        "cancellation_policy_accepted",
    }  # fmt: skip


async def test_an_expired_preview_says_so(house: House, customer: Visitor) -> None:
    preview = await prepare(customer)
    await house.city.advance(seconds=121)
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(preview))
    assert (status, body["error"]["code"]) == (404, "PREVIEW_EXPIRED")
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(preview, preview_id=str(uuid4())))
    assert (status, body["error"]["code"]) == (404, "PREVIEW_EXPIRED")


async def test_online_payment_is_not_there_yet(house: House, customer: Visitor) -> None:
    preview = await prepare(customer)
    status, body, headers = await customer.call("POST", "/checkout/confirm", order(preview, payment_method="online"))
    assert (status, body["error"]["code"]) == (503, "PAYMENTS_NOT_CONFIGURED")
    assert headers["Retry-After"]
    assert await house.city.value("SELECT count(*) FROM bookings") == 0


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("service_ids", {"service_ids": ["x"]}),
        ("service_ids", {"service_ids": []}),
        ("promo_code", {"promo_code": "x" * 51}),
        ("booking_date", {"booking_date": "2026-01-19"}),
        ("booking_time", {"booking_time": "noon"}),
        ("address_id", {"address_id": "x"}),
        ("program_id", {"program_id": str(uuid4())}),
    ],
)
async def test_a_bad_cart_is_refused_by_field(customer: Visitor, field: str, changes: dict[str, Any]) -> None:
    asked = {"service_ids": [await facial(customer)], **changes}
    status, body, _ = await customer.call("POST", "/checkout/prepare", asked)
    assert status == 422, body
    assert [name.split(".")[0] for name in body["error"]["details"]] == [field]


async def test_unknown_things_are_404(house: House, customer: Visitor) -> None:
    service = await facial(customer)
    other = (await (await house.customer(1)).get("/users/addresses"))[0]["id"]
    for asked in ({"service_ids": [str(uuid4())]}, {"service_ids": [service], "address_id": other}):
        status, _, _ = await customer.call("POST", "/checkout/prepare", asked)
        assert status == 404


async def test_an_address_that_cannot_be_placed_is_named(customer: Visitor) -> None:
    nowhere = {"name": "X", "address_line1": "1", "city": "Atlantis", "state": "Sea", "pincode": "999999"}
    _, body, _ = await customer.call("POST", "/users/addresses", nowhere)
    status, body, _ = await customer.call(
        "POST",
        "/checkout/prepare",
        {"service_ids": [await facial(customer)], "address_id": body["data"]["id"]},
    )
    assert status == 422
    assert list(body["error"]["details"]) == ["address_id"]


@pytest.mark.parametrize(
    ("code", "amount", "discount", "valid"),
    [
        ("SAVE10", 2000.0, 200.0, True), ("save10", 1600.0, 160.0, True), ("FLAT200", 1500, 200.0, True),
        ("FLAT200", 1499.99, 0.0, False), ("NOSUCH", 100, 0.0, False), ("WELCOME20", 5000, 300.0, True),
    ],
)  # fmt: skip
async def test_a_code_is_worth_its_share_of_the_amount(
    customer: Visitor, code: str, amount: float, discount: float, valid: bool
) -> None:
    status, body, _ = await customer.call("POST", "/promo-codes/validate", {"code": code, "amount": amount})
    assert status == 200
    data = body["data"]
    assert (data["code"], data["discount"], data["valid"]) == (code.upper(), discount, valid)
    assert data["message"]


async def test_a_code_can_be_asked_for_a_cart(customer: Visitor) -> None:
    service = await facial(customer)
    _, body, _ = await customer.call(
        "POST", "/promo-codes/validate", {"code": "SAVE10", "amount": 2000, "service_ids": [service, service]}
    )
    assert body["data"]["discount"] == 160.0
    _, again, _ = await customer.call(
        "POST", "/promos/validate", {"code": "SAVE10", "amount": 2000, "service_ids": [service, service]}
    )
    assert again["data"] == body["data"]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("amount", {"amount": 0}),
        ("amount", {"amount": -5}),
        ("amount", {"amount": "much"}),
        ("code", {"code": ""}),
    ],
)
async def test_nonsense_is_refused(customer: Visitor, field: str, changes: dict[str, Any]) -> None:
    status, body, _ = await customer.call("POST", "/promo-codes/validate", {"code": "SAVE10", "amount": 100, **changes})
    assert status == 422
    assert list(body["error"]["details"]) == [field]


async def test_the_start_guide_leads_to_a_booking(house: House) -> None:
    """Step by step as it is written: only what it says comes of earlier answers is put in."""
    async with house.client.get("/docs") as page:
        written = re.findall(r"<pre[^>]*><strong>(\w+) (\S+)</strong>\n(.*?)</pre>", await page.text(), re.DOTALL)
    guest, known = house.visitor, dict[str, Any]()

    def filled(body: Any) -> Any:
        if isinstance(body, list):
            return [filled(one) for one in body]
        if isinstance(body, dict):
            return {name: known.get(name, filled(value)) for name, value in body.items()}
        return body

    for method, path, text in written:
        body = filled(json.loads(html.unescape(text))) if text else None
        status, answer, _ = await guest.call(method, path.removeprefix("/v1"), body)
        assert status in (200, 201), (path, answer)
        data = answer.get("data", {})
        match path.split("/")[-1]:
            case "send-otp":
                known["otp_code"] = await code_in_outbox(house.city.services, body["phone_number"])
            case "verify-otp":
                guest.token = data["access_token"]
            case "catalog":
                known["service_id"] = data["all_services"][0]["id"]
            case "addresses":
                known["address_id"] = data["id"]
            case "prepare":
                known |= {name: data[name] for name in ("preview_id", "booking_date")}
                known["booking_time"] = data["available_time_slots"][0]
    assert [b["id"] for b in (await guest.get("/bookings"))["bookings"]] == [data["booking"]["id"]]


async def test_a_field_that_a_form_leaves_blank_is_one_that_it_leaves_out(customer: Visitor) -> None:
    blank = {"promo_code": "", "address_id": "", "booking_time": " ", "payment_method": "", "organization_id": ""}
    preview = await prepare(customer, **blank, program_id="")
    assert (preview["promo"], preview["held_time"]) == (None, None)
    assert (await prepare(customer, booking_date=""))["booking_date"] is not None
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(preview, customer_email=""))
    assert status == 201, body
    assert (await customer.get(f"/bookings/{body['data']['booking']['id']}"))["contact"]["email"] is None


async def test_a_confirm_that_comes_again_late_is_told_what_has_become_of_it(customer: Visitor) -> None:
    sent = order(await prepare(customer))
    _, body, _ = await customer.call("POST", "/checkout/confirm", sent)
    booking = body["data"]["booking"]
    assert (await customer.call("POST", f"/bookings/{booking['id']}/cancel", {}))[0] == 200
    status, body, _ = await customer.call("POST", "/checkout/confirm", sent)
    assert (status, body["data"]["booking"]["id"]) == (201, booking["id"])
    assert body["data"]["message"] == "This booking was made before, and it is over."
