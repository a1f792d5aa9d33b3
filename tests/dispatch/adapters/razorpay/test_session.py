"""Time limits, threads and errors of the calls to the gateway."""

from __future__ import annotations

import asyncio
import socket

import pytest
import requests
from razorpay import errors as sdk_errors

from dispatch.adapters.razorpay.client import RazorpayGateway
from dispatch.adapters.razorpay.session import BoundedSession, transport_error
from dispatch.errors import DispatchError, Kind
from dispatch.local_gateway.server import LocalGateway
from dispatch.ports.gateway import (
    GatewayError,
    GatewayRefused,
    GatewayRetryable,
    GatewayUnknown,
)
from tests.dispatch.adapters.razorpay.test_client import an_order


@pytest.mark.parametrize("effect", ["before", "after"])
async def test_no_reply_in_time(hasty: RazorpayGateway, gw: LocalGateway, effect: str) -> None:
    await gw.control(api=[{"fault": "hang", "effect": effect, "match": "POST /v1/orders"}])
    with pytest.raises(GatewayUnknown):
        await an_order(hasty)
    assert (await hasty.find_order_by_receipt("booking-1") is not None) == (effect == "after")


async def test_a_reply_that_drips_is_cut_off(hasty: RazorpayGateway, gw: LocalGateway) -> None:
    await gw.control(api=[{"fault": "drip", "match": "GET *"}])
    with pytest.raises(GatewayUnknown):
        await hasty.find_order_by_receipt("booking-1")
    # Its thread is free again.
    assert await hasty.find_order_by_receipt("booking-1") is None


async def test_a_slow_reply_in_time_is_a_reply(client: RazorpayGateway, gw: LocalGateway) -> None:
    await gw.control(api=[{"fault": "slow", "seconds": 0.2}])
    assert (await an_order(client)).status == "created"


async def test_what_waited_in_vain_for_a_thread_was_never_sent(hasty: RazorpayGateway, gw: LocalGateway) -> None:
    # Where the machine stands still between the two, the later one has time left when the thread is free, and is sent.
    for n in range(10):
        await gw.control(api=[{"fault": "hang", "next": 1, "match": "POST /v1/orders"}])
        first, second = await asyncio.gather(
            an_order(hasty, receipt=f"one {n}"), an_order(hasty, receipt=f"two {n}"), return_exceptions=True
        )
        assert isinstance(first, GatewayUnknown)
        if isinstance(second, GatewayRetryable):
            break
    assert isinstance(second, GatewayRetryable)
    assert f"two {n}" not in [o["receipt"] for o in (await gw.state())["orders"].values()]


async def test_nobody_there_is_retryable(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = RazorpayGateway("rzp_test_x", "secret", base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(GatewayRetryable) as caught:
        await an_order(client)
    assert (caught.value.certain, caught.value.kind) == (True, Kind.UNAVAILABLE)
    await client.close()
    with pytest.raises(GatewayRetryable, match="closed"):
        await an_order(client)
    assert capfd.readouterr().out == ""


async def test_a_throttled_call_says_when_to_come_again(client: RazorpayGateway, gw: LocalGateway) -> None:
    await gw.control(api=[{"fault": "throttle", "seconds": 7}])
    with pytest.raises(GatewayRetryable) as caught:
        await an_order(client)
    assert (caught.value.status, caught.value.retry_after_s) == (429, 7.0)


async def test_wrong_keys_are_no_refusal_of_what_was_asked(gw: LocalGateway) -> None:
    """Whoever keeps the keys mends them: what was asked is asked again then, and no refund is given up for it."""
    client = RazorpayGateway(gw.key_id, "wrong", base_url=gw.url)
    with pytest.raises(GatewayRetryable) as caught:
        await an_order(client)
    assert (caught.value.status, caught.value.gateway_code) == (401, "BAD_REQUEST_ERROR")
    # What the gateway said is for logs; the public message is our own.
    assert "Authentication" in str(caught.value)
    assert "Authentication" not in caught.value.message
    assert isinstance(caught.value, DispatchError)
    await client.close()


@pytest.mark.parametrize(
    ("raised", "status", "code", "mapped"),
    [
        (sdk_errors.BadRequestError("no"), 400, "BAD_REQUEST_ERROR", GatewayRefused),
        (sdk_errors.GatewayError("bank"), 400, "GATEWAY_ERROR", GatewayUnknown),
        (sdk_errors.ServerError("oops"), 400, "SERVER_ERROR", GatewayUnknown),
        (sdk_errors.ServerError("other code"), 404, "NOT_FOUND", GatewayRefused),
        (sdk_errors.ServerError("no status"), None, None, GatewayUnknown),
        (sdk_errors.SignatureVerificationError("no"), None, None, GatewayRefused),
        (requests.ReadTimeout("slow"), None, None, GatewayUnknown),
        (requests.ConnectTimeout("slow"), None, None, GatewayRetryable),
        (KeyError("surprise"), None, None, GatewayUnknown),
    ],
)
def test_the_sdks_errors(raised: Exception, status: int | None, code: str | None, mapped: type[GatewayError]) -> None:
    with BoundedSession(1, 1, "http://127.0.0.1") as session:
        session.status, session.gateway_code = status, code
        assert type(session.error_of(raised)) is mapped


@pytest.mark.parametrize(
    ("raised", "mapped"),
    [
        (requests.ConnectionError("reset"), GatewayUnknown),
        (requests.exceptions.ChunkedEncodingError(), GatewayUnknown),
        (requests.exceptions.SSLError("during the talk"), GatewayUnknown),
        (requests.exceptions.ProxyError("no proxy"), GatewayRetryable),
        (requests.exceptions.InvalidURL("x"), GatewayRetryable),
    ],
)
def test_requests_errors(raised: requests.RequestException, mapped: type[GatewayError]) -> None:
    assert type(transport_error(raised)) is mapped
