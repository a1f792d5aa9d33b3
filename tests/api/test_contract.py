"""The contract's own words against a live server: each documented request is taken, each documented key answered."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from dispatch.local_gateway.server import LocalGateway
from tests.api.contract import (
    ELISION,
    ENDPOINTS,
    MAKERS,
    SENT,
    SIGNED,
    Request,
    Stage,
    body_of,
    confirm_cash,
    needs_contract,
    stage,
)
from tests.api.live import live_server
from tests.api.test_story import make_everybody_a_beautician

__all__ = ["stage"]

pytestmark = needs_contract


def test_every_endpoint_has_its_request() -> None:
    assert MAKERS.keys() == set(SENT)


@pytest.mark.parametrize("endpoint_id", SENT)
async def test_the_documented_request_gets_the_documented_answer(stage: Stage, endpoint_id: str) -> None:
    await check(stage, ENDPOINTS[endpoint_id], await MAKERS[endpoint_id](stage))


async def test_a_cash_booking_has_an_answer_of_its_own(stage: Stage) -> None:
    await check(stage, ENDPOINTS["customer-checkout-confirm"], await confirm_cash(stage))


async def check(stage: Stage, endpoint: dict[str, Any], request: Request) -> None:
    path = endpoint["full_path"].replace("{id}", request.id) + request.query
    answer = await request.who.call(
        endpoint["method"], path, body_of(endpoint, request.change), expect=endpoint["success_status"]
    )
    example = endpoint["response_example"]
    if request.variant:
        example = endpoint["response_variants"][request.variant]
    if example is None:
        assert answer["success"] is True
    else:
        assert list(differences(example, answer)) == []


SHAPES = (
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"), re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")),
    (re.compile(r"^\d{4}-\d\d-\d\d$"), re.compile(r"^\d{4}-\d\d-\d\d$")),
    (re.compile(r"^\d\d:\d\d:\d\d$"), re.compile(r"^\d\d:\d\d:\d\d$")),
    (re.compile(r"^\d\d:\d\d [AP]M$"), re.compile(r"^\d\d:\d\d [AP]M$")),
    (re.compile(r"^BK-\d{8}-\d{6}$"), re.compile(r"^BK-\d{8}-\d{6}$")),
    (re.compile(r"^PT-\d{3}$"), re.compile(r"^PT-\d{3,}$")),
    (re.compile(r"^uuid$"), re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")),
)


def differences(example: Any, answer: Any, path: str = "$") -> Iterator[str]:
    """Where the answer lacks what the example shows: keys, kinds of values, shapes of ids, times and numbers."""
    if example == ELISION or answer is None:
        return
    if isinstance(example, dict):
        if not isinstance(answer, dict):
            yield f"{path} is no object"
            return
        for key, value in example.items():
            if key == ELISION:
                continue
            if key not in answer:
                yield f"{path}.{key} is missing"
            else:
                yield from differences(value, answer[key], f"{path}.{key}")
    elif isinstance(example, list):
        if not isinstance(answer, list) or (example != [ELISION] and not answer):
            yield f"{path} is no list, or has nothing in it"
            return
        for n, value in enumerate(answer):
            yield from differences(example[0], value, f"{path}[{n}]")
    else:
        yield from unlike(example, answer, path)


def unlike(example: Any, answer: Any, path: str) -> Iterator[str]:
    def kind(value: Any) -> str:
        if isinstance(value, bool):
            return "boolean"
        return "number" if isinstance(value, int | float) else type(value).__name__

    if kind(example) != kind(answer):
        yield f"{path} is a {kind(answer)}, not a {kind(example)}"
    elif isinstance(example, str):
        for shown, wanted in SHAPES:
            if shown.match(example) and not wanted.match(answer):
                yield f"{path} is {answer!r}, not like {example!r}"


async def test_differences_are_seen() -> None:
    example = {"a": {"b": 1.0, ELISION: ELISION}, "c": [{"at": "2024-01-20T10:00:00Z"}], "d": "uuid"}
    right = {"a": {"b": 2, "x": 1}, "c": [{"at": "2026-01-05T04:30:00Z"}], "d": str(uuid.uuid4())}
    assert list(differences(example, right)) == []
    wrong = {"a": {"b": "2"}, "c": [{"at": "yesterday"}], "d": "no"}
    assert len(list(differences(example, wrong))) == 3
    assert list(differences(example, {"a": 1, "c": []})) == [
        "$.a is no object", "$.c is no list, or has nothing in it", "$.d is missing",
    ]  # fmt: skip


# ---------------------------------------------------------------- payments


def signed(stage: Stage, body: bytes) -> dict[str, str]:
    secret = stage.gateway.webhook_secret.encode()
    return {
        "Content-Type": "application/json", "X-Razorpay-Event-Id": f"evt_{uuid.uuid4().hex[:14]}",
        "X-Razorpay-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }  # fmt: skip


async def test_the_webhook(stage: Stage) -> None:
    endpoint = ENDPOINTS[SIGNED]
    url = stage.live.url + endpoint["full_path"]
    for event in endpoint["request_rules"]["enums"]["event"]:
        body = orjson.dumps({**endpoint["request_example"], "event": event})
        for _ in range(2):
            async with stage.live.http.post(url, data=body, headers=signed(stage, body)) as reply:
                assert reply.status == endpoint["success_status"]
                assert await reply.json() == endpoint["response_example"]
        forged = {**signed(stage, body), "X-Razorpay-Signature": "0" * 64}
        async with stage.live.http.post(url, data=body, headers=forged) as reply:
            assert reply.status == 400


async def test_an_online_booking_is_paid_offered_and_shown(stage: Stage) -> None:
    """The whole way of the money: order, page, verification, then a technician is searched for."""
    made = await stage.booked("online")
    assert made["booking"]["status"] == "pending"
    payment = made["payment"]
    assert payment["amount"] == round(made["booking"]["grand_total"] * 100)
    assert payment["key"] == stage.gateway.key_id
    paid = await stage.gateway.pay(payment["order_id"])
    body = {k: v for k, v in paid.items() if k.startswith("razorpay_")}
    forged = {**body, "razorpay_signature": "0" * 64}
    await stage.customer.call("POST", "/v1/payments/verify", forged, expect=400)
    verified = (await stage.customer.call("POST", "/v1/payments/verify", body))["data"]
    assert (verified["payment_status"], verified["booking_id"]) == ("success", made["booking"]["id"])
    assert verified["booking_status"] == "partner_assigned"
    shown = (await stage.customer.call("GET", f"/v1/bookings/{made['booking']['id']}"))["data"]
    assert (shown["payment_status"], shown["payment"]["razorpay_payment_id"]) == ("paid", body["razorpay_payment_id"])
    by_order = (await stage.customer.call("GET", f"/v1/payments/{payment['order_id']}/status"))["data"]
    assert (by_order["status"], by_order["amount"]) == ("success", made["booking"]["grand_total"])


async def test_without_keys_payments_are_not_configured(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(fresh_dsn, tmp_path, technicians=3) as live:
        place = await make_everybody_a_beautician(live)
        customer = await live.person("customer", "+911000100001")
        async with LocalGateway() as gateway:
            stage = Stage(live, gateway, customer, await live.person("service", "a test"), place)
            refused = [
                await customer.call("POST", "/v1/checkout/confirm", await stage.confirmation("online"), expect=503),
                await customer.call(
                    "POST", "/v1/payments/verify", ENDPOINTS["customer-payments-verify"]["request_example"], expect=503
                ),
                await customer.call("GET", "/v1/payments/order_abc123/status", expect=503),
                await customer.call(
                    "POST", "/v1/payments/webhook", {"event": "payment.captured", "payload": {}}, expect=503
                ),
            ]
        assert {r["error"]["code"] for r in refused} == {"PAYMENTS_NOT_CONFIGURED"}
        assert await live.value("SELECT count(*) FROM bookings") == 0
