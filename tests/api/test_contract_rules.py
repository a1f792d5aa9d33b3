"""The contract's rules, broken one by one: each refusal names the field, and what is no JSON is a 400."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.contract import ENDPOINTS, MAKERS, SENT, TOMORROW, Request, Stage, body_of, needs_contract, stage

__all__ = ["stage"]

pytestmark = needs_contract


#: A bad value for each limit that is not a plain length, and the field that has to be named.
BAD_VALUES: dict[tuple[str, str], list[Any]] = {
    ("customer-auth-send-otp", "phone_number"): ["+12345678901234567", "12", "no phone", ""],
    ("customer-auth-verify-otp", "otp_code"): ["12345", "1234567", "12345a", ""],
    ("customer-address-create", "lat"): [90.001, -91],
    ("customer-address-create", "lng"): [180.5, -181],
    ("customer-checkout-prepare", "booking_date"): ["2025-12-31", "2026-03-01", "2026-02-30", "tomorrow"],
    ("customer-checkout-confirm", "booking_time"): ["25:00", "10:00 XM", "noon"],
    ("customer-checkout-confirm", "booking_date"): ["2026-13-01", "soon"],
    ("customer-checkout-confirm", "cancellation_policy_accepted"): [False],
    ("customer-checkout-confirm", "customer_email"): ["not an address"],
    ("customer-checkout-confirm", "customer_phone"): ["12"],
    ("customer-checkout-confirm", "preview_id"): ["uuid"],
    ("customer-payments-verify", "razorpay_order_id"): ["x" * 256],
    ("customer-payments-verify", "razorpay_payment_id"): ["x" * 256],
    ("customer-payments-verify", "razorpay_signature"): ["x" * 256],
    ("customer-booking-rate", "rating"): [0, 6, 4.5, "5"],
    ("customer-promo-validate", "amount"): [0, -1, "much"],
    ("customer-contact-submit", "email"): ["not an address"],
    ("tech-booking-complete", "service_completed_at"): ["2027-01-01T00:00:00Z", "yesterday"],
    ("tech-booking-status", "estimated_arrival"): ["soon"],
    ("tech-availability", "current_lat"): [90.001, -91],
    ("tech-availability", "current_lng"): [180.5, -181],
    ("tech-availability", "is_available"): ["yes", 1],
    ("tech-working-hours", "working_hours"): [
        {"start": "20:00", "end": "20:00", "days": [1]}, {"start": "25:00", "end": "26:00", "days": [1]},
        {"start": "08:00", "end": "20:00", "days": [0]}, {"start": "08:00", "end": "20:00", "days": [8]},
        {"start": "08:00", "end": "20:00"}, [],
    ],
}  # fmt: skip
#: Limits that BAD_VALUES covers under other names.
COVERED = {
    ("customer-payments-verify", "each"), ("tech-working-hours", "working_hours.start/end"),
    ("tech-working-hours", "working_hours.days"),
}  # fmt: skip
#: We are less strict than the contract's inferred rules here.
LAXER = {
    ("customer-auth-send-otp", "purpose"): "a missing purpose is login",
    ("customer-auth-verify-otp", "purpose"): "a missing purpose is login",
    ("customer-auth-refresh-token", "refresh_token"): "without one the sign-in is dead: 401",
}
#: The checks that need a real booking come after it has been found.
ON_A_BOOKING = {("tech-booking-complete", "service_completed_at")}


@dataclass(frozen=True)
class Violation:
    endpoint_id: str
    field: str
    what: str
    value: Any = None
    is_absent: bool = False

    def __str__(self) -> str:
        return f"{self.endpoint_id}-{self.field}-{self.what}"


def violations() -> Iterator[Violation]:
    for endpoint_id in SENT:
        rules = ENDPOINTS[endpoint_id]["request_rules"] or {}
        if ENDPOINTS[endpoint_id]["request_example"] is None:
            continue
        for name in rules.get("required", ()):
            if (endpoint_id, name) not in LAXER:
                yield Violation(endpoint_id, name, "absent", is_absent=True)
        for name in rules.get("enums", {}):
            yield Violation(endpoint_id, name, "unknown", "no_such_value")
        for name, limit in rules.get("limits", {}).items():
            if (endpoint_id, name) in COVERED:
                continue
            if isinstance(limit, int):
                yield Violation(endpoint_id, name, "too_long", "x" * (limit + 1))
            else:
                assert (endpoint_id, name) in BAD_VALUES, (endpoint_id, name, limit)
        for name in (*rules.get("required", ()), *rules.get("optional", ())):
            yield Violation(endpoint_id, name, "wrong_type", {"no": "such type"})
        for n, value in enumerate(v for (e, _), vs in BAD_VALUES.items() if e == endpoint_id for v in vs):
            named = next(f for (e, f), vs in BAD_VALUES.items() if e == endpoint_id and value in vs)
            yield Violation(endpoint_id, named, f"bad_{n}", value)


@pytest.mark.parametrize("violation", list(violations()) if ENDPOINTS else [], ids=str)
async def test_a_violated_rule_names_its_field(stage: Stage, violation: Violation) -> None:
    endpoint = ENDPOINTS[violation.endpoint_id]
    request = await valid(stage, violation)
    body = body_of(endpoint, request.change)
    body[violation.field] = violation.value
    if violation.is_absent:
        del body[violation.field]
    path = endpoint["full_path"].replace("{id}", request.id)
    answer = await request.who.call(endpoint["method"], path, body, expect=422)
    assert answer["error"]["code"] == "VALIDATION_ERROR", answer
    named = {name.split(".")[0] for name in answer["error"]["details"]}
    assert named == {violation.field}, answer


@pytest.mark.parametrize("endpoint_id", [e for e in SENT if ENDPOINTS[e]["request_example"]])
@pytest.mark.parametrize("text", ['{"a": ', "[1, 2", "{'a': 1}", '{"a": NaN}', "\x00"])
async def test_malformed_json_is_400(stage: Stage, endpoint_id: str, text: str) -> None:
    endpoint = ENDPOINTS[endpoint_id]
    request = await valid(stage, Violation(endpoint_id, "", ""))
    headers = {"Authorization": f"Bearer {request.who.token}", "Content-Type": "application/json"}
    url = stage.live.url + endpoint["full_path"].replace("{id}", request.id)
    async with stage.live.http.request(endpoint["method"], url, data=text.encode(), headers=headers) as reply:
        assert (reply.status, (await reply.json())["error"]["code"]) == (400, "MALFORMED_JSON")


async def valid(stage: Stage, violation: Violation) -> Request:
    """A request that is right in everything but what will be broken; nothing has to exist for most of them."""
    endpoint_id = violation.endpoint_id
    if (endpoint_id, violation.field) in ON_A_BOOKING:
        return await MAKERS[endpoint_id](stage)
    some = str(uuid.uuid4())
    who = stage.customer
    if ENDPOINTS[endpoint_id]["system"] == "technician":
        who = stage.technicians.setdefault("PT-001", await stage.live.person("technician", "PT-001"))
    if ENDPOINTS[endpoint_id]["system"] == "internal":
        who = stage.service
    change: dict[str, Any] = {}
    if endpoint_id == "customer-checkout-prepare":
        change = {"service_ids": [some], "address_id": some, "booking_date": TOMORROW}
        if violation.field == "booking_date":
            change |= {"service_ids": await stage.service_ids(), "address_id": await stage.address()}
    if endpoint_id == "customer-checkout-confirm":
        change = {"preview_id": some, "address_id": some, "booking_date": TOMORROW}
    return Request(who, id=some, change=change)
