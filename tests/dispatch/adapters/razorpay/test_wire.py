"""Signatures against the published vectors, and replies that only look right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatch.adapters.razorpay import wire as wire
from tests.near import near_misses

VECTORS = Path(__file__).resolve().parents[5] / "shared" / "data" / "webhook_signature_vectors.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("the published signature vectors are not here (../shared/data)")
    return json.loads(VECTORS.read_text())


def test_the_published_webhook_signature(vectors: dict[str, Any]) -> None:
    v = vectors["razorpay_webhook"]
    raw = v["raw_body"].encode()
    assert wire.webhook_signature(raw, v["secret"]) == v["signature"]
    assert wire.verify_webhook(raw, v["signature"], [v["secret"]])
    # Over the same JSON in other bytes it is no signature.
    assert not wire.verify_webhook(json.dumps(json.loads(raw)).encode(), v["signature"], [v["secret"]])


def test_the_published_checkout_signature(vectors: dict[str, Any]) -> None:
    v = vectors["razorpay_checkout_order"]
    assert wire.verify_checkout(v["order_id"], v["payment_id"], v["signature"], v["secret"])
    assert not wire.verify_checkout(v["order_id"], "pay_IH4NVgf4Dreq1x", v["signature"], v["secret"])


def test_the_published_standard_webhooks_signature(vectors: dict[str, Any]) -> None:
    """Outbound webhooks are signed in `dispatch.outbox`; here only the vector itself is proved."""
    v = vectors["standard_webhooks_v1"]
    secret = base64.b64decode(v["secret"].removeprefix("whsec_"))
    message = f"{v['webhook-id']}.{v['webhook-timestamp']}.{v['body']}".encode()
    digest = base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()
    assert v["webhook-signature"] == f"v1,{digest}"


def test_the_current_and_the_previous_secret_verify() -> None:
    raw = b'{"event":"x"}'
    old = wire.webhook_signature(raw, "old")
    assert wire.verify_webhook(raw, old, ["new", "old"])
    assert not wire.verify_webhook(raw, old, ["new"])
    assert not wire.verify_webhook(raw, old, [])


def test_what_is_nearly_a_signature_is_none() -> None:
    raw, secret = b'{"event":"x"}', "s3cret-0f-the-h00k"
    order, payment = "order_00000000000000", "pay_00000000000000"
    hook, checkout = wire.webhook_signature(raw, secret), wire.checkout_signature(order, payment, secret)
    assert wire.verify_webhook(raw, hook, [secret]) and wire.verify_checkout(order, payment, checkout, secret)
    for guess in near_misses(hook):
        assert not wire.verify_webhook(raw, guess, [secret])
        assert not wire.verify_webhook(raw, guess, ["another", secret])
    for guess in near_misses(checkout):
        assert not wire.verify_checkout(order, payment, guess, secret)
    for guess in near_misses(secret):
        # A key is filled up with zero bytes: this one is the same key.
        if guess.rstrip("\0") == secret:
            continue
        assert not wire.verify_webhook(raw, hook, [guess])
        assert not wire.verify_checkout(order, payment, checkout, guess)
    for n in range(len(raw)):
        assert not wire.verify_webhook(raw[:n], hook, [secret])
    for other_order, other_payment in (
        (order[:-1] + "1", payment), (order, payment[:-1] + "1"), (payment, order), (order + "0", payment[:-1]),
        (order, payment + "0"),
    ):  # fmt: skip
        assert not wire.verify_checkout(other_order, other_payment, checkout, secret)


def test_an_empty_secret_verifies_nothing() -> None:
    assert not wire.verify_webhook(b"x", wire.webhook_signature(b"x", ""), ["", "real"])
    signature = wire.checkout_signature("order_00000000000000", "pay_00000000000000", "")
    assert not wire.verify_checkout("order_00000000000000", "pay_00000000000000", signature, "")


@pytest.mark.parametrize("signature", ["", "é", "\ud800", "0" * 64, None, 7, b"x"])
def test_nonsense_is_no_signature(signature: Any) -> None:
    assert not wire.verify_webhook(b"x", signature, ["secret"])


def test_ids_can_not_be_shifted_into_each_other() -> None:
    """`a|b` could be cut elsewhere if ids held a bar."""
    signature = wire.checkout_signature("order_00000000000000", "pay_00000000000000|x", "s")
    assert not wire.verify_checkout("order_00000000000000", "pay_00000000000000|x", signature, "s")


def payment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "pay_L0nSsccovt6zyp",
        "entity": "payment",
        "amount": 9900,
        "currency": "INR",
        "status": "captured",
        "order_id": "order_L0nS83FfCHaWqV",
        "method": "card",
        "amount_refunded": 0,
        "captured": True,
        "fee": 172,
        "tax": None,
        "error_code": None,
        "error_description": None,
        "notes": [],
        "created_at": 1672987417,
        "something_new": {"is": "ignored"},
    } | changes


def test_a_documented_payment_is_read() -> None:
    read = wire.payment_of(payment())
    assert (read.amount_minor, read.fee_minor, read.tax_minor, read.notes) == (9900, 172, None, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "order_L0nS83FfCHaWqV"},
        {"id": "pay_short/../x"},
        {"entity": "refund"},
        {"amount": "9900"},
        {"amount": 99.0},
        {"amount": True},
        {"amount": -1},
        {"amount": 10**16},
        {"amount": float("nan")},
        {"currency": "inr"},
        {"currency": None},
        {"status": "great"},
        {"status": ["captured"]},
        {"captured": "yes"},
        {"captured": False},
        {"amount_refunded": 9901},
        {"order_id": "pay_L0nSsccovt6zyp"},
        {"order_id": 7},
        {"method": {}},
        {"fee": "1"},
        {"notes": "x"},
        {"created_at": None},
        {"created_at": 10**12},
        {"created_at": "2023"},
    ],
)
def test_a_payment_with_one_wrong_field_is_garbled(changes: dict[str, Any]) -> None:
    with pytest.raises(wire.Garbled):
        wire.payment_of(payment(**changes))


@pytest.mark.parametrize("doc", [None, [], "x", 7, {}, {"items": None}, {"items": [{}]}, {"items": [None]}])
def test_other_things_are_no_list_of_payments(doc: Any) -> None:
    with pytest.raises(wire.Garbled):
        wire.collection_of(doc, wire.payment_of)


@pytest.mark.parametrize("of", [wire.order_of, wire.payment_of, wire.refund_of, wire.payout_of, wire.link_of])
@pytest.mark.parametrize("doc", [None, [], {}, {"entity": "order"}, {"id": "order_00000000000000"}])
def test_every_reader_refuses_the_empty(of: Any, doc: Any) -> None:
    with pytest.raises(wire.Garbled):
        of(doc)


def test_a_link_leads_to_an_address() -> None:
    link = {
        "id": "plink_ExjpAUN3gVHrPJ",
        "amount": 1000,
        "amount_paid": 0,
        "currency": "INR",
        "status": "created",
        "short_url": "https://rzp.io/i/x",
        "payments": None,
        "notes": None,
        "created_at": 1591097057,
    }
    assert wire.link_of(link).payment_ids == ()
    for wrong in ({"short_url": "javascript:alert(1)"}, {"payments": [{}]}, {"payments": ["x"]}):
        with pytest.raises(wire.Garbled):
            wire.link_of(link | wrong)


DISPUTE = {
    "id": "disp_Abcdefgh123456", "entity": "dispute", "payment_id": "pay_Abcdefgh123456", "amount": 500,
    "currency": "INR", "amount_deducted": 0, "status": "open", "respond_by": 1_800_000_000, "created_at": 1_799_000_000,
}  # fmt: skip


def test_a_dispute() -> None:
    told = wire.dispute_of(DISPUTE)
    assert (told.payment_id, told.amount_minor, told.taken_minor) == ("pay_Abcdefgh123456", 500, 0)
    assert told.respond_by == datetime.fromtimestamp(1_800_000_000, UTC)
    assert wire.dispute_of({**DISPUTE, "respond_by": None, "amount_deducted": None}).respond_by is None


@pytest.mark.parametrize(
    "change",
    [{"id": "pay_Abcdefgh123456"}, {"payment_id": None}, {"amount": 0}, {"amount_deducted": 501}, {"status": "odd"}],
)  # fmt: skip
def test_a_dispute_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(wire.Garbled):
        wire.dispute_of({**DISPUTE, **change})
