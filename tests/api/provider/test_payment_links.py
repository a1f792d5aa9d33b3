"""Payment links: paid by whoever comes, and back only to addresses on the list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatch.ports.gateway import GatewayRefused
from tests.api.provider.conftest import Office, call
from tests.api.provider.test_payment_requests import available, pay


async def test_a_public_link_is_paid_by_whoever_comes(office: Office) -> None:
    owner = await office.owner()
    link = (await owner.call("POST", "/payment-links", {"title": "A visit", "amount": 50_000}, expect=201))["data"]
    path, payer = link["checkoutEndpoint"], {"name": "John Doe", "email": "john@example.com"}
    begun = await asyncio.gather(*(call(office.client, None, "POST", path, payer, expect=201) for _ in range(3)))
    assert len({b["data"]["payment"]["checkout_url"] for b in begun}) == 1, "whoever comes twice goes on"
    requests = (await owner.call("GET", "/transactions/payment-requests"))["data"]["items"]
    assert [r["customer"]["email"] for r in requests] == ["john@example.com"]
    await pay(office, requests[0])
    assert await available(owner) == 50_000
    assert (await owner.call("GET", f"/payment-links/{link['id']}"))["data"]["payments"] == 1
    await owner.call("PATCH", f"/payment-links/{link['id']}", {"status": "inactive"})
    answer = await call(office.client, None, "POST", path, {**payer, "email": "jane@example.com"}, expect=410)
    assert answer["message"]


async def test_who_pays_another_amount_at_a_link_begins_anew(office: Office) -> None:
    owner = await office.owner()
    link = (await owner.call("POST", "/payment-links", {"title": "As you like"}, expect=201))["data"]
    payer = {"name": "John Doe", "email": "john@example.com"}
    for minor in (50_000, 60_000, 50_000):
        await call(office.client, None, "POST", link["checkoutEndpoint"], {**payer, "amount": minor}, expect=201)
    requests = (await owner.call("GET", "/transactions/payment-requests"))["data"]["items"]
    assert sorted(r["amount"] for r in requests) == [50_000, 60_000]


async def test_a_page_sends_back_only_to_addresses_on_the_list(office: Office) -> None:
    owner = await office.owner()
    evil = {"title": "A visit", "redirectUrl": "https://evil.example/thanks"}
    answer = await owner.call("POST", "/payment-links", evil, expect=400)
    assert "redirectUrl" in answer["errors"]
    link = (await owner.call("POST", "/payment-links", {"title": "As you like"}, expect=201))["data"]
    payer = {"name": "John Doe", "email": "john@example.com", "redirectUrl": "https://evil.example/"}
    answer = await call(office.client, None, "POST", link["checkoutEndpoint"], payer, expect=400)
    assert "redirectUrl" in answer["errors"]
    payer.pop("redirectUrl")
    answer = await call(office.client, None, "POST", link["checkoutEndpoint"], payer, expect=400)
    assert "amount" in answer["errors"]
    await call(office.client, None, "POST", "/api/providers/payment-links/public/none/checkout", payer, expect=404)


async def test_a_page_that_the_gateway_refused_is_said_and_tried_again_by_whoever_comes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await office.owner()
    link = (await owner.call("POST", "/payment-links", {"title": "A visit", "amount": 50_000}, expect=201))["data"]
    path, payer = link["checkoutEndpoint"], {"name": "John Doe", "email": "john@example.com"}
    client = type(office.till.gateway)

    async def refuse(*args: Any, **words: Any) -> Any:
        raise GatewayRefused("This currency is not switched on.")

    refused = "SELECT count(*) FROM alerts WHERE kind = 'link_refused' AND resolved_at IS NULL"
    with monkeypatch.context() as patched:
        patched.setattr(client, "create_payment_link", refuse)
        for _ in range(2):
            answer = await call(office.client, None, "POST", path, payer, expect=409)
            assert answer["error"]["code"] == "PAGE_REFUSED", "nobody is told to come again in a moment"
        assert await office.world.value(refused) == 1
    paid = (await call(office.client, None, "POST", path, payer, expect=201))["data"]["payment"]
    assert paid["checkout_url"] and await office.world.value(refused) == 0
    [request] = (await owner.call("GET", "/transactions/payment-requests"))["data"]["items"]
    await pay(office, request)
    assert await available(owner) == 50_000
