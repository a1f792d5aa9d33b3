"""The gateway's HTTP: keys, lists, unknown addresses, bodies that are none."""

from __future__ import annotations

import aiohttp
import pytest

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import an_order, get, refused
from tests.near import near_misses, sendable


async def test_keys_are_checked(gw: LocalGateway) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(gw.key_id, "wrong")}
    async with aiohttp.ClientSession(gw.url, headers=headers) as http:
        for path in ("/v1/orders", "/_control"):
            assert (await refused(http, path))[0] == 401


async def test_what_is_nearly_its_keys_is_refused(gw: LocalGateway) -> None:
    async with aiohttp.ClientSession(gw.url) as http:
        for guess in sendable(near_misses(gw.authorization)):
            async with http.get("/v1/orders", headers={"Authorization": guess}) as reply:
                assert reply.status == 401, guess
        async with http.get("/v1/orders", headers={"Authorization": gw.authorization}) as reply:
            assert reply.status == 200


async def test_live_keys_are_not_taken() -> None:
    with pytest.raises(ValueError, match="for tests"):
        LocalGateway(key_id="rzp_live_abc")


async def test_lists_page_by_time(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    made = []
    for n in range(5):
        order = await an_order(http, receipt=f"r{n}")
        made.append((await gw.pay(order["id"]))["razorpay_payment_id"])
    newest_first = made[::-1]
    first = await get(http, "/v1/payments", count=2)
    second = await get(http, "/v1/payments", count=2, skip=2)
    assert [p["id"] for p in first["items"] + second["items"]] == newest_first[:4]
    created = first["items"][0]["created_at"]
    assert (await get(http, "/v1/payments", **{"from": created + 1_000}))["count"] == 0
    await gw.control(clock_offset_s=-86_400)
    order = await an_order(http, receipt="yesterday")
    yesterday = await gw.pay(order["id"])
    found = await get(http, "/v1/payments", to=created - 3_600)
    assert [p["id"] for p in found["items"]] == [yesterday["razorpay_payment_id"]]
    async with http.get("/v1/payments", params={"count": 101}) as reply:
        assert reply.status == 400


async def test_unknown_ids_and_addresses(http: aiohttp.ClientSession) -> None:
    for path in ("/v1/orders/order_00000000000000", "/v1/payments/pay_x", "/v1/surprise"):
        async with http.get(path) as reply:
            assert reply.status == 400
            assert (await reply.json())["error"]["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_object_is_refused(http: aiohttp.ClientSession, raw: bytes) -> None:
    async with http.post("/v1/orders", data=raw) as reply:
        assert reply.status == 400
