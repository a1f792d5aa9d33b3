"""The senders against a server that speaks like the providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from dispatch.adapters.messages import senders
from dispatch.adapters.messages.email import Smtp
from dispatch.adapters.messages.push import Fcm
from dispatch.adapters.messages.sms import Msg91, Twilio
from dispatch.config import Settings
from dispatch.ports.messages import LocalOutbox


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
    smtp = {"email": "smtp", "smtp_host": "mail.example.com", "email_from": "Dispatch <post@example.com>"}
    assert isinstance(senders.of(settings(**smtp))["email"], Smtp)
    nobody = {**smtp, "email_from": "nobody"}
    for chosen in ({"sms": "twilio"}, {"sms": "msg91"}, {"push": "fcm"}, {"email": "smtp"}, nobody):
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
