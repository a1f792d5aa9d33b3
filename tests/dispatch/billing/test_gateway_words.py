"""What two webhooks say: the same, or not."""

from __future__ import annotations

from typing import Any

from dispatch.billing.gateway_words import natural_key


def test_natural_keys() -> None:
    def key(kind: str, noun: str, **entity: Any) -> str | None:
        return natural_key(kind, {noun: {"entity": entity}})

    told = {"id": "pay_1", "order_id": "order_1", "amount": 5, "currency": "INR"}
    assert key("payment.captured", "payment", **told) == key("payment.captured", "payment", **told, fee=7)
    for other in ({"id": "pay_2"}, {"order_id": "order_2"}, {"amount": 6}, {"currency": "USD"}, {"order_id": None}):
        assert key("payment.captured", "payment", **{**told, **other}) != key("payment.captured", "payment", **told)
    assert key("payment.failed", "payment", **told) != key("payment.captured", "payment", **told)
    assert key("payment.refunded", "payment", **told) is None and key("subscription.charged", "payment", **told) is None
    assert key("payout.updated", "payout", id="pout_1", status="queued") != key(
        "payout.updated", "payout", id="pout_1", status="processed"
    )


def test_two_disputes_of_one_payment_are_two() -> None:
    def key(dispute_id: str) -> str | None:
        told = {"id": dispute_id, "payment_id": "pay_1", "amount": 5, "currency": "INR", "status": "open"}
        payload = {"dispute": {"entity": told}, "payment": {"entity": {"id": "pay_1"}}}
        return natural_key("payment.dispute.created", payload)

    assert key("disp_1") == key("disp_1") != key("disp_2")
