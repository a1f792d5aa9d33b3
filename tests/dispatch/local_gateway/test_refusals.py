"""The gateway's definite no, in Razorpay's shape."""

from __future__ import annotations

from dispatch.local_gateway.refusals import Refusal, error_body


def test_a_refusal_names_its_field_and_is_the_callers_fault() -> None:
    refusal = Refusal("The amount field is required.", field="amount")
    assert refusal.status == 400 and str(refusal) == "The amount field is required."
    assert refusal.body() == {"error": {
        "code": "BAD_REQUEST_ERROR", "description": "The amount field is required.", "source": "business",
        "step": "payment_initiation", "reason": "input_validation_failed", "metadata": {}, "field": "amount",
    }}  # fmt: skip


def test_trouble_of_the_gateway_is_its_own() -> None:
    assert error_body("SERVER_ERROR", "Trouble")["error"]["source"] == "internal"
