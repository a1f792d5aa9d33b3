"""The senders against a server that speaks like the providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dispatch.adapters.messages import senders
from dispatch.adapters.messages.push import Fcm, ServiceAccount
from dispatch.adapters.messages.sms import Msg91, Twilio
from dispatch.config import Settings
from dispatch.ports.messages import LocalOutbox, Message, SendFailed


def message(template: str = "otp_login", **params: Any) -> Message:
    return Message(1, "sms", "+911234567890", template, "123456 is your code", params, datetime.now(UTC))


class Provider:
    """Answers what it is told to and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[web.Request, Any]] = []
        self.answers: list[web.Response] = []
        self.tokens = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = dict(await request.post()) or orjson.loads(await request.read() or b"null")
        if request.path == "/token":
            self.tokens += 1
            self.asked.append((request, body))
            return web.json_response({"access_token": f"token-{self.tokens}", "expires_in": 3600})
        self.asked.append((request, body))
        return self.answers.pop(0) if self.answers else web.json_response({"type": "success"})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", made.handle)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url("")).rstrip("/")
    yield made
    await server.close()


async def test_twilio(provider: Provider) -> None:
    sender = Twilio("AC1", "secret", "+15005550006", provider.url)
    await sender.send(message())
    request, form = provider.asked[0]
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["Authorization"].startswith("Basic ")
    assert form == {"To": "+911234567890", "Body": "123456 is your code", "From": "+15005550006"}
    service = Twilio("AC1", "secret", "MG1", provider.url)
    await service.send(message())
    assert provider.asked[1][1]["MessagingServiceSid"] == "MG1"
    await sender.close()
    await service.close()


@pytest.mark.parametrize(
    ("status", "is_permanent"),
    [(400, True), (404, True), (401, False), (429, False), (500, False), (503, False)],
)
async def test_what_a_refusal_means(provider: Provider, status: int, is_permanent: bool) -> None:
    provider.answers = [web.Response(status=status, text="no", headers={"Retry-After": "7"})]
    sender = Twilio("AC1", "secret", "+15005550006", provider.url)
    with pytest.raises(SendFailed) as failure:
        await sender.send(message())
    assert (failure.value.is_permanent, failure.value.retry_after_s) == (is_permanent, 7.0)
    await sender.close()


async def test_an_absent_provider_is_a_failed_try_without_a_secret() -> None:
    sender = Twilio("AC1", "CANARY", "+15005550006", "http://127.0.0.1:1")
    with pytest.raises(SendFailed) as failure:
        await sender.send(message())
    assert not failure.value.is_permanent and "CANARY" not in str(failure.value)
    await sender.close()


async def test_msg91(provider: Provider) -> None:
    sender = Msg91("key", {"otp_login": "T1"}, provider.url)
    await sender.send(message(code="123456", minutes=5))
    request, body = provider.asked[0]
    assert (request.path, request.headers["authkey"]) == ("/api/v5/flow", "key")
    assert body == {
        "template_id": "T1",
        "recipients": [{"mobiles": "911234567890", "code": "123456", "minutes": "5"}],
    }
    provider.answers = [web.json_response({"type": "error", "message": "bad template"})]
    with pytest.raises(SendFailed, match="bad template") as failure:
        await sender.send(message())
    assert failure.value.is_permanent
    with pytest.raises(SendFailed, match="phone_changed"):
        await sender.send(message("phone_changed"))
    await sender.close()


async def test_fcm_signs_an_assertion_and_keeps_the_token(provider: Provider) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    sender = Fcm(ServiceAccount("p1", "robot@example.com", pem), provider.url, f"{provider.url}/token")
    told = message("notification", topic="customer-1", title="T", message="M", booking_id="b")
    await sender.send(told)
    await sender.send(told)
    assert provider.tokens == 1
    claims = jwt.decode(
        provider.asked[0][1]["assertion"], key.public_key(), ["RS256"], audience=f"{provider.url}/token"
    )
    assert claims["iss"] == "robot@example.com"
    request, body = provider.asked[1]
    assert request.path == "/v1/projects/p1/messages:send"
    assert request.headers["Authorization"] == "Bearer token-1"
    assert body["message"] == {
        "topic": "customer-1", "notification": {"title": "T", "body": "M"}, "data": {"booking_id": "b"},
    }  # fmt: skip
    provider.answers = [web.Response(status=401)]
    with pytest.raises(SendFailed):
        await sender.send(told)
    await sender.send(told)
    assert provider.tokens == 2, "a refused token is not used again"
    with pytest.raises(SendFailed, match="topic"):
        await sender.send(message("notification"))
    await sender.close()


def test_the_settings_choose(tmp_path: Path) -> None:
    def settings(**chosen: Any) -> Settings:
        return Settings(_env_file=None, data=tmp_path, senders=chosen)  # type: ignore[call-arg]

    assert all(isinstance(sender, LocalOutbox) for sender in senders.of(settings()).values())
    twilio = {"sms": "twilio", "twilio_sid": "AC1", "twilio_token": "x", "twilio_from": "+15005550006"}
    assert isinstance(senders.of(settings(**twilio))["sms"], Twilio)
    msg91 = {"sms": "msg91", "msg91_key": "x", "msg91_templates": {"otp_login": "T1"}}
    assert isinstance(senders.of(settings(**msg91))["sms"], Msg91)
    file = tmp_path / "fcm.json"
    file.write_bytes(orjson.dumps({"project_id": "p", "client_email": "e", "private_key": "k"}))
    assert isinstance(senders.of(settings(push="fcm", fcm_credentials=str(file)))["push"], Fcm)
    for chosen in ({"sms": "twilio"}, {"sms": "msg91"}, {"push": "fcm"}):
        with pytest.raises(senders.WrongSenders, match="DISPATCH_SENDERS"):
            senders.of(settings(**chosen))


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), (b"{", "is no key file"), (b"[]", "is no key file")]
)
def test_credentials_that_are_none_are_told_in_a_sentence(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "fcm.json"
    if content is not None:
        file.write_bytes(content)
    chosen = {"push": "fcm", "fcm_credentials": str(file)}
    with pytest.raises(senders.WrongSenders, match=words) as caught:
        senders.of(Settings(_env_file=None, data=tmp_path, senders=chosen))  # type: ignore[call-arg, arg-type]
    assert str(file) in str(caught.value)
