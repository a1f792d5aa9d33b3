"""Push against a server that speaks like Firebase: to a token or a topic, and what is made of its refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dispatch.adapters.messages.push import Fcm, ServiceAccount
from dispatch.ports.messages import Message, RecipientGone, SendFailed

GOT = web.AppKey("got", list)
REPLY = web.AppKey("reply", dict)


def refusal(status: int, **detail: Any) -> dict[str, Any]:
    return {"status": status, "body": {"error": {"code": status, "details": [detail]}}}


@pytest.fixture(scope="module")
async def firebase() -> AsyncIterator[TestServer]:
    async def token(request: web.Request) -> web.Response:
        assert (await request.post())["assertion"]
        return web.json_response({"access_token": "granted", "expires_in": 3600})

    async def send(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer granted"
        request.app[GOT].append((await request.json())["message"])
        reply = request.app[REPLY]
        return web.json_response(reply.get("body", {}), status=reply.get("status", 200))

    app = web.Application()
    app[GOT], app[REPLY] = [], {}
    app.router.add_post("/token", token)
    app.router.add_post("/v1/projects/p/messages:send", send)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture(scope="module")
async def fcm(firebase: TestServer) -> AsyncIterator[Fcm]:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    url = str(firebase.make_url("")).rstrip("/")
    made = Fcm(ServiceAccount("p", "robot@example.com", key.decode()), url, f"{url}/token")
    yield made
    await made.close()


def push(**params: Any) -> Message:
    values = {"title": "New Job", "message": "Open the app", "type": "offer_made", **params}
    return Message(9, "push", "technician:1", "notification", "text", values, datetime.now(UTC))


async def test_it_goes_to_the_token_else_to_the_topic(firebase: TestServer, fcm: Fcm) -> None:
    firebase.app[REPLY].clear()
    await fcm.send(push(token="t1", topic="technician-x"))
    await fcm.send(push(topic="technician-x"))
    first, second = firebase.app[GOT][-2:]
    assert first["token"] == "t1" and "topic" not in first
    assert second["topic"] == "technician-x" and "token" not in second
    assert first["notification"] == {"title": "New Job", "body": "Open the app"}
    assert first["data"] == second["data"] == {"type": "offer_made", "message_id": "9"}
    with pytest.raises(SendFailed) as failed:
        await fcm.send(push())
    assert failed.value.is_permanent


@pytest.mark.parametrize(
    "reply",
    [
        refusal(404, errorCode="UNREGISTERED"),
        refusal(400, fieldViolations=[{"field": "message.token", "description": "not a valid token"}]),
    ],
)  # fmt: skip
async def test_a_token_that_firebase_does_not_know_is_gone(
    firebase: TestServer, fcm: Fcm, reply: dict[str, Any]
) -> None:
    firebase.app[REPLY].update(reply)
    with pytest.raises(RecipientGone):
        await fcm.send(push(token="t1"))
    with pytest.raises(SendFailed) as failed:
        await fcm.send(push(topic="technician-x"))
    assert not isinstance(failed.value, RecipientGone)


@pytest.mark.parametrize(
    ("reply", "is_permanent"),
    [
        (refusal(403, errorCode="SENDER_ID_MISMATCH"), False), (refusal(503, errorCode="UNAVAILABLE"), False),
        (refusal(429, errorCode="QUOTA_EXCEEDED"), False),
        (refusal(400, fieldViolations=[{"field": "message.data", "description": "no"}]), True),
        ({"status": 400, "body": ["nonsense"]}, True), ({"status": 404, "body": {"error": "nonsense"}}, True),
    ],
)  # fmt: skip
async def test_any_other_refusal_keeps_the_token(
    firebase: TestServer, fcm: Fcm, reply: dict[str, Any], is_permanent: bool
) -> None:
    firebase.app[REPLY].clear()
    firebase.app[REPLY].update(reply)
    with pytest.raises(SendFailed) as failed:
        await fcm.send(push(token="t1"))
    assert not isinstance(failed.value, RecipientGone) and failed.value.is_permanent is is_permanent
