"""Bytes that are no text are refused, origins are told what they may read, and what is for development stays there."""

from __future__ import annotations

import json
import re

import pytest

from tests.trials.callers import Trial
from tests.trials.people import Customer, fresh_phone

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)
SAFE = ("x-content-type-options", "x-frame-options", "referrer-policy")


@pytest.mark.parametrize("token", [b"\xff", b"\xc3\x28", b"a.b.\xfe", b"\x80" * 2_000])
async def test_a_token_that_is_no_text_is_a_refused_token(trial: Trial, token: bytes) -> None:
    got = await trial.raw(
        b"GET /v1/dashboard HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    )
    assert got.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400")), got


@pytest.mark.parametrize(
    "amount", ['"1e99999999"', '"-1e99999999"', "1e400", '"NaN"', '"Infinity"', '"' + "9" * 400 + '"']
)
async def test_an_amount_that_is_none_is_invalid(customer: Customer, amount: str) -> None:
    body = f'{{"code": "SAVE10", "amount": {amount}}}'.encode()
    async with customer.trial.cheap(0.5):
        reply = await customer.call("POST", "/v1/promo-codes/validate", body)
    assert 400 <= reply.status < 500, reply.body


async def test_a_user_agent_that_is_no_text_hinders_nobody(trial: Trial) -> None:
    phone = fresh_phone()
    await trial.ok("POST", "/v1/auth/send-otp", {"phone_number": phone, "purpose": "login"})
    said = await trial.house.said("outbox", "--to", phone, "--json")
    code = _code(said)
    body = f'{{"phone_number": "{phone}", "otp_code": "{code}", "purpose": "login"}}'.encode()
    got = await trial.raw(
        b"POST /v1/auth/verify-otp HTTP/1.1\r\nHost: here\r\nConnection: close\r\nUser-Agent: \xff\xfe\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert got.startswith(b"HTTP/1.1 200"), got


def _code(outbox: str) -> str:
    newest = max(json.loads(outbox), key=lambda message: message["created_at"])
    return re.findall(r"\d{6}", newest["body"])[0]


ASKED = (
    "Authorization", "Content-Type", "X-Idempotency-Key", "X-Organization-ID", "x-client-id", "x-client-secret",
    "X-API-Key", "X-API-Secret", "X-Onboarding-Token", "Cache-Control", "If-None-Match",
)  # fmt: skip
TOLD = ("ETag", "Retry-After", "Content-Disposition")


async def test_a_listed_origin_may_ask_with_every_header_and_read_the_answer(trial: Trial) -> None:
    origin = "https://shop.example"
    preflight = await trial.call(
        "OPTIONS", "/v1/dashboard", Origin=origin, Access_Control_Request_Method="GET",
        Access_Control_Request_Headers=",".join(ASKED),
    )  # fmt: skip
    if "Access-Control-Allow-Origin" not in preflight.headers:
        pytest.skip(f"this server does not list {origin}")
    assert preflight.headers["Access-Control-Allow-Credentials"] == "true"
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
    assert [name for name in ASKED if name.lower() not in allowed] == []
    reply = await trial.call("GET", "/v1/services/catalog", Origin=origin)
    exposed = reply.headers["Access-Control-Expose-Headers"].lower()
    assert [name for name in TOLD if name.lower() not in exposed] == []
    for other in (origin, "https://elsewhere.example", ""):
        one = await trial.call("GET", "/v1/services/catalog", **({"Origin": other} if other else {}))
        assert "Origin" in one.headers.get("Vary", ""), "what a cache keeps of one origin is not given to another"


async def test_a_socket_of_the_server_s_own_pages_is_let_in(trial: Trial) -> None:
    async with trial.http.ws_connect(
        trial.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket", headers={"Origin": trial.url}
    ) as ws:
        assert (await ws.receive_str()).startswith("0{")


async def test_an_upgrade_with_a_body_is_refused(trial: Trial) -> None:
    for length in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"):
        assert (await trial.raw(UPGRADE + length)).startswith(b"HTTP/1.1 400")


async def test_refused_sockets_have_the_safe_headers_too(trial: Trial) -> None:
    for path in ("/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=3&transport=websocket", "/socket.io/nothing"):
        reply = await trial.call("GET", path)
        assert 400 <= reply.status < 500
        names = {name.lower() for name in reply.headers}
        assert names.issuperset(SAFE), path


async def test_the_documents_keep_no_token_in_the_browser(trial: Trial) -> None:
    page = str((await trial.call("GET", "/docs")).body)
    assert "localStorage.setItem" not in page
    assert "persistAuthorization: true" not in page


async def test_the_local_gateway_does_not_run_in_production(trial: Trial) -> None:
    trial.house.env["DISPATCH_ENV"] = "production"
    try:
        code, out, err = await trial.house.command("gateway", "--port", "0")
    finally:
        del trial.house.env["DISPATCH_ENV"]
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("dispatch: The local payment gateway is for development")
    assert "Traceback" not in err
