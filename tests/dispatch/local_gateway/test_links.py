"""Payment links: paid at their address, never when cancelled or expired."""

from __future__ import annotations

import time
from typing import Any

import aiohttp

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import get, post, refused


async def test_a_link_is_paid_at_its_address(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    link = await post(http, "/v1/payment_links", {"amount": 50_000, "currency": "INR", "reference_id": "sub-1"})
    assert link["status"] == "created"
    async with http.get(link["short_url"]) as page:
        assert page.status == 200
        assert "₹500.00" in await page.text()
    await gw.pay(link["order_id"])
    paid = await get(http, f"/v1/payment_links/{link['id']}")
    assert (paid["status"], paid["amount_paid"], len(paid["payments"])) == ("paid", 50_000, 1)
    assert (await refused(http, f"/v1/payment_links/{link['id']}/cancel"))[0] == 400
    _, twice = await refused(http, "/v1/payment_links", {"amount": 50_000, "reference_id": "sub-1"})
    assert "already attempted" in twice["description"]


async def test_a_link_offers_the_methods_that_it_leaves(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    hidden: dict[str, Any] = {"checkout": {"method": {"upi": "0", "wallet": "0", "card": "1", "netbanking": "1"}}}
    link = await post(http, "/v1/payment_links", {"amount": 50_000, "options": hidden})
    async with http.get(link["short_url"]) as page:
        text = await page.text()
    assert [f'value="{name}"' in text for name in ("upi", "card", "netbanking", "wallet")] == [False, True, True, False]
    async with http.post(f"/checkout/{link['order_id']}/pay", json={"method": "upi"}) as reply:
        assert reply.status == 400
    await gw.pay(link["order_id"])
    paid = await get(http, f"/v1/payment_links/{link['id']}")
    assert paid["status"] == "paid" and (await get(http, f"/v1/orders/{link['order_id']}/payments"))["items"][0][
        "method"
    ] == "card"
    nothing = {"checkout": {"method": dict.fromkeys(("upi", "card", "netbanking", "wallet"), "0")}}
    for options in (nothing, {"checkout": 1}):
        status, _ = await refused(http, "/v1/payment_links", {"amount": 50_000, "options": options})
        assert status == 400


async def test_cancelled_and_expired_links_are_not_paid(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    first = await post(http, "/v1/payment_links", {"amount": 50_000, "reference_id": "a"})
    soon = int(time.time()) + 60
    second = await post(http, "/v1/payment_links", {"amount": 50_000, "reference_id": "b", "expire_by": soon})
    assert (await post(http, f"/v1/payment_links/{first['id']}/cancel"))["status"] == "cancelled"
    await gw.control(clock_offset_s=120)
    for link in (first, second):
        async with http.post(f"/checkout/{link['order_id']}/pay", json={}) as reply:
            assert reply.status == 400
    listed = await get(http, "/v1/payment_links", reference_id="b")
    assert [link["status"] for link in listed["payment_links"]] == ["expired"]
