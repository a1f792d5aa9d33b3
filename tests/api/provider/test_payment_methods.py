"""Cards: kept as tokens, their numbers nowhere; one is the default one."""

from __future__ import annotations

import logging

import pytest

from tests.api.provider.conftest import Office
from tests.identity import everything

#: Visa's number for trying out.
PAN, CVV = "4242424242424242", "737"
CARD = {
    "type": "visa", "cardNumber": PAN, "expiryMonth": 12, "expiryYear": 2030, "cvv": CVV, "cardholderName": "Bola Ade",
    "isDefault": True,
}  # fmt: skip


async def test_a_card_is_kept_as_a_token_and_its_number_nowhere(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await office.owner()
    with caplog.at_level(logging.DEBUG):
        answer = await owner.call("POST", "/settings/payment-methods", CARD, expect=201)
        await owner.call("POST", "/settings/payment-methods", {**CARD, "cardNumber": f"{PAN[:-1]}1"}, expect=400)
        await owner.call("POST", "/settings/payment-methods", {**CARD, "expiryYear": "soon"}, expect=400)
    shown = answer["data"]["paymentMethod"]
    assert shown.items() >= {"type": "visa", "last4": "4242", "expiry": "12/30", "isDefault": True}.items()
    kept = await everything(office.world.services.pool)
    for secret in (PAN, "4242 4242", CVV.join('""'), f"{PAN[:-1]}1"):
        assert secret not in kept and secret not in caplog.text and secret not in str(answer)


async def test_cards_that_cannot_be(office: Office) -> None:
    owner = await office.owner()
    for change, field in (
        ({"cardNumber": "4242424242424241"}, "cardNumber"), ({"cvv": "12"}, "cvv"),
        ({"expiryYear": 2025}, "expiryYear"), ({"expiryMonth": 13}, "expiryMonth"),
        ({"cardholderName": ""}, "cardholderName"),
    ):  # fmt: skip
        answer = await owner.call("POST", "/settings/payment-methods", {**CARD, **change}, expect=400)
        assert list(answer["errors"]) == [field] and PAN not in str(answer)
    assert (await owner.call("GET", "/settings"))["data"]["paymentBilling"]["paymentMethods"] == []


async def test_one_card_is_the_default_one(office: Office) -> None:
    owner, stranger = await office.owner(), await office.owner()
    first = (await owner.call("POST", "/settings/payment-methods", CARD, expect=201))["data"]["paymentMethod"]
    second = {**CARD, "cardNumber": "5555555555554444", "isDefault": False}
    other = (await owner.call("POST", "/settings/payment-methods", second, expect=201))["data"]["paymentMethod"]
    assert other["type"] == "mastercard" and not other["isDefault"]
    body = {
        "paymentMethods": [{"type": "mastercard", "last4": "4444", "expiry": "12/30", "isDefault": True}],
        "billingEmail": "bills@example.com", "billingPeriod": "yearly",
    }  # fmt: skip
    changed = (await owner.call("PUT", "/settings/payment-billing", body))["data"]["paymentBilling"]
    assert [(m["last4"], m["isDefault"]) for m in changed["paymentMethods"]] == [("4444", True), ("4242", False)]
    assert (changed["billingEmail"], changed["billingPeriod"]) == ("bills@example.com", "yearly")
    await stranger.call("DELETE", f"/settings/payment-methods/{other['id']}", expect=404)
    done = await owner.call("DELETE", f"/settings/payment-methods/{other['id']}")
    assert done["message"] == "Payment method removed successfully"
    left = (await owner.call("GET", "/settings"))["data"]["paymentBilling"]["paymentMethods"]
    assert [(m["id"], m["isDefault"]) for m in left] == [(first["id"], True)]
    unknown = {"paymentMethods": [{"last4": "0000", "isDefault": True}]}
    await owner.call("PUT", "/settings/payment-billing", unknown, expect=400)
