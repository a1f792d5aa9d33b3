"""What the shop is told: events, signatures, retries, and every trouble on demand."""

from __future__ import annotations

import aiohttp

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import an_order, post
from tests.dispatch.local_gateway.shop import Shop


async def test_a_payment_tells_three_signed_events(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    order = await an_order(http)
    paid = await gw.pay(order["id"])
    got = await shop.wait_for(3)
    assert shop.events == ["payment.authorized", "payment.captured", "order.paid"]
    assert all(g.signed_with(gw.webhook_secret) for g in got)
    assert len({g.event_id for g in got}) == 3
    body = got[1].body
    assert (body["entity"], body["contains"]) == ("event", ["payment"])
    assert body["account_id"].startswith("acc_")
    assert body["payload"]["payment"]["entity"]["id"] == paid["razorpay_payment_id"]
    assert got[2].body["payload"]["order"]["entity"]["status"] == "paid"
    # Each is a snapshot of its own moment.
    assert got[0].body["payload"]["payment"]["entity"]["status"] == "authorized"


async def test_the_other_events(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    order = await an_order(http)
    await gw.pay(order["id"], "failed")
    paid = await gw.pay(order["id"])
    path = f"/v1/payments/{paid['razorpay_payment_id']}/refund"
    await post(http, path, {"amount": 500})
    await gw.control(refunds="failed")
    await post(http, path, {"amount": 500})
    await shop.wait_for(8)
    assert shop.events[0] == "payment.failed"
    assert shop.events[4:] == ["refund.created", "refund.processed", "refund.created", "refund.failed"]
    assert shop.got[5].body["contains"] == ["refund", "payment"]


async def test_it_is_sent_again_until_it_is_taken(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    await gw.control(retry_s=0.01)
    shop.answers = [500, 302, 404]
    order = await an_order(http)
    await gw.pay(order["id"], "failed")
    got = await shop.wait_for(4)
    assert len({(g.event_id, g.raw) for g in got}) == 1
    await gw.quiet()
    assert [(e["state"], e["attempts"]) for e in await gw.events()] == [("delivered", 4)]


async def test_duplicates_have_the_same_id(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    await gw.control(webhooks={"duplicate": 4})
    order = await an_order(http)
    await gw.pay(order["id"], "failed")
    got = await shop.wait_for(5)
    assert len(got) == 5
    assert len({(g.event_id, g.raw, g.signature) for g in got}) == 1


async def test_held_events_leave_in_the_order_wanted(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    await gw.control(webhooks={"hold": True})
    order = await an_order(http)
    await gw.pay(order["id"])
    await gw.quiet()
    assert shop.events == []
    assert (await gw.control(release="reversed"))["release"] == 3
    await shop.wait_for(3)
    assert shop.events == ["order.paid", "payment.captured", "payment.authorized"]


async def test_a_delayed_event_waits(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    await gw.control(webhooks={"delay_s": 3600})
    order = await an_order(http)
    await gw.pay(order["id"], "failed")
    await gw.quiet()
    assert shop.events == []
    assert [e["state"] for e in await gw.events()] == ["queued"]


async def test_jitter_reorders_the_same_way_for_a_seed(shop: Shop) -> None:
    orders = []
    for _ in range(2):
        shop.got.clear()
        async with LocalGateway(seed=82, webhook_url=shop.url) as gw:
            await gw.control(webhooks={"reorder_s": 0.3})
            for n in range(4):
                gw.api.bank.emit_payload(f"test.{n}", {})
            await shop.wait_for(4)
        orders.append(shop.events)
    assert orders[0] == orders[1] != sorted(orders[0])


async def test_dropped_forged_and_old(gw: LocalGateway, http: aiohttp.ClientSession, shop: Shop) -> None:
    old = gw.webhook_secret
    await gw.control(rotate_secret="a-newer-secret")
    for fault in ("drop", "forged", "old_secret"):
        await gw.control(webhooks={fault: 1}, emit={"event": fault, "payload": {}})
    await gw.control(emit={"event": "normal", "payload": {}})
    got = await shop.wait_for(3)
    await gw.quiet()
    assert shop.events == ["forged", "old_secret", "normal"]
    assert [g.signed_with("a-newer-secret") for g in got] == [False, False, True]
    assert [g.signed_with(old) for g in got] == [False, True, False]
    assert (await gw.state())["events"] == {"delivered": 3, "dropped": 1}


async def test_events_wait_for_a_shop_that_is_down(http: aiohttp.ClientSession, gw: LocalGateway, shop: Shop) -> None:
    await gw.control(webhook_url="http://127.0.0.1:9/hook", retry_s=0.01)
    await gw.control(emit={"event": "test.one", "payload": {}})
    while not (await gw.events())[0]["attempts"]:
        await gw.quiet()
    await gw.control(webhook_url=shop.url)
    await shop.wait_for(1)
    assert shop.events == ["test.one"]
