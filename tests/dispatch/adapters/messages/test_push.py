"""Push by FCM: the signed assertion, the token that is kept."""

from __future__ import annotations

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dispatch.adapters.messages.push import Fcm, ServiceAccount
from dispatch.ports.messages import SendFailed
from tests.dispatch.adapters.messages.providers import Provider, message


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
