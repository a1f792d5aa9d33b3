"""SMS by Twilio and MSG91: what is asked, and what their refusals mean."""

from __future__ import annotations

import pytest
from aiohttp import web

from dispatch.adapters.messages.sms import Msg91, Twilio
from dispatch.ports.messages import SendFailed
from tests.dispatch.adapters.messages.providers import Provider, message


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
