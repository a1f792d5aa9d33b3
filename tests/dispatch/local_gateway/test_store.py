"""What the gateway keeps."""

from __future__ import annotations

from pathlib import Path

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import an_order, get, post
from tests.dispatch.local_gateway.shop import Shop
from tests.dispatch.local_gateway.test_control import signed_in
from tests.ownership import check_closed


async def test_a_restart_forgets_nothing(tmp_path: Path, shop: Shop) -> None:
    key = {"X_Refund_Idempotency": "refund-number-1"}
    async with LocalGateway(data=tmp_path, seed=1) as gw, signed_in(gw) as http:
        order = await an_order(http)
        payment_id = (await gw.pay(order["id"]))["razorpay_payment_id"]
        refund = await post(http, f"/v1/payments/{payment_id}/refund", {"amount": 500}, **key)
        second = await an_order(http, receipt="late")
        late = await gw.pay(second["id"], "authorized_late")
        await gw.control(webhook_url="http://127.0.0.1:9/", retry_s=0.01, emit={"event": "test", "payload": {}})
        before = await gw.state()
    async with LocalGateway(data=tmp_path, seed=1, webhook_url=shop.url) as gw, signed_in(gw) as http:
        after = await gw.state()
        assert (after["payments"], after["orders"]) == (before["payments"], before["orders"])
        # The key still stands for its refund, and new ids are new.
        assert await post(http, f"/v1/payments/{payment_id}/refund", {"amount": 500}, **key) == refund
        third = await an_order(http, receipt="new")
        assert third["id"] not in after["orders"]
        # What was still to come, comes.
        await shop.wait_for(1)
        assert shop.events[0] == "test"
        assert (await gw.control(settle=True))["settle"] == 1
        assert (await get(http, f"/v1/payments/{late['razorpay_payment_id']}"))["status"] == "captured"


async def test_what_it_keeps_is_its_owner_s(tmp_path: Path) -> None:
    (tmp_path / "there already").mkdir()
    for folder in (tmp_path / "new", tmp_path / "there already"):
        async with LocalGateway(data=folder, seed=1) as gw, signed_in(gw) as http:
            await an_order(http)
            assert len(list(folder.iterdir())) > 1
            check_closed(folder)
    assert not (tmp_path / "new").stat().st_mode & 0o077


async def test_a_seed_gives_the_same_ids() -> None:
    ids = []
    for seed in (5, 5, 6):
        async with LocalGateway(seed=seed) as gw, signed_in(gw) as http:
            ids.append((await an_order(http))["id"])
    assert ids[0] == ids[1] != ids[2]
