"""Starting, stopping and starting again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from dispatch.local_gateway.server import KEY_ID, KEY_SECRET, LocalGateway
from tests.dispatch.local_gateway.calls import an_order, get, post, refused
from tests.dispatch.local_gateway.shop import Shop


def signed_in(gw: LocalGateway) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(gw.url, headers={"Authorization": gw.authorization})


async def test_a_restart_forgets_nothing(tmp_path: Path, shop: Shop) -> None:
    key = {"X_Refund_Idempotency": "refund-number-1"}
    async with LocalGateway(data=tmp_path, seed=1) as gw, signed_in(gw) as http:
        order = await an_order(http)
        payment_id = (await gw.pay(order["id"]))["razorpay_payment_id"]
        refund = await post(http, f"/v1/payments/{payment_id}/refund", {"amount": 500}, **key)
        second = await an_order(http, receipt="late")
        late = await gw.pay(second["id"], "authorized_late")
        await gw.control(
            webhook_url="http://127.0.0.1:9/", retry_s=0.01, emit={"event": "test", "payload": {}}
        )
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


async def test_a_seed_gives_the_same_ids() -> None:
    ids = []
    for seed in (5, 5, 6):
        async with LocalGateway(seed=seed) as gw, signed_in(gw) as http:
            ids.append((await an_order(http))["id"])
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    "words",
    [
        {"surprise": 1},
        {"api": [{"fault": "explode"}]},
        {"api": [{"fault": "hang", "probability": 2}]},
        {"api": [{"fault": "hang", "seconds": "long"}]},
        {"webhooks": {"lose": 1}},
        {"webhooks": {"delay_s": -1}},
        {"refunds": "sometimes"},
        {"emit": {}},
        {"settle_s": float("1e11")},
        {"release": "sideways"},
    ],
)
async def test_the_control_says_what_it_does_not_know(gw: LocalGateway, words: dict[str, object]) -> None:
    async with signed_in(gw) as http:
        assert (await refused(http, "/_control", words))[0] == 400


def test_the_program_says_when_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dispatch.local_gateway", "--port", "0", "--data", str(tmp_path)]
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert line.startswith("gateway ready http://127.0.0.1:")
    assert (tmp_path / "gateway.sqlite3").exists()


def test_its_keys_say_that_they_are_for_tests() -> None:
    assert KEY_ID.startswith("rzp_test_local")
    assert "test" in KEY_SECRET


async def test_the_bare_address_says_what_it_is() -> None:
    async with LocalGateway() as gw, aiohttp.ClientSession() as http, http.get(gw.url) as reply:
        assert reply.status == 200
        assert reply.content_type == "text/html"
        assert "moves no money" in await reply.text()
