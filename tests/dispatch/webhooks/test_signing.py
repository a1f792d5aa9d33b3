"""Signatures: the published example, the official library as a receiver, secrets of the client's own."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch.errors import Invalid
from dispatch.webhooks import signing


def now() -> datetime:
    """Read when it is needed: receivers refuse what is five minutes old, and a run is longer."""
    return datetime.now(UTC)


def test_the_published_example(shared: Path) -> None:
    vector = json.loads((shared / "data" / "webhook_signature_vectors.json").read_text())["standard_webhooks_v1"]
    at = datetime.fromtimestamp(vector["webhook-timestamp"], UTC)
    made = signing.headers([vector["secret"]], vector["webhook-id"], at, vector["body"])
    assert made["webhook-signature"] == vector["webhook-signature"]
    assert made["webhook-timestamp"] == str(vector["webhook-timestamp"])


@pytest.mark.parametrize(
    "secret", [signing.generated(), "your_webhook_secret", "whsec_is not base64 at all"],
    ids=["generated", "the client's own", "no base64"],
)  # fmt: skip
def test_the_official_library_verifies_it(secret: str) -> None:
    library = pytest.importorskip("standardwebhooks")
    receiver = library.Webhook(signing.key_of(secret))
    sent = signing.headers([secret], "msg_1", now(), '{"a": 1}')
    assert receiver.verify('{"a": 1}', sent) == {"a": 1}
    for bad in (
        {**sent, "webhook-id": "msg_2"},
        {**sent, "webhook-signature": "v1,AAAA"},
        signing.headers([secret], "msg_1", now() - timedelta(minutes=6), '{"a": 1}'),
        signing.headers([signing.generated()], "msg_1", now(), '{"a": 1}'),
    ):
        with pytest.raises(library.WebhookVerificationError):
            receiver.verify('{"a": 1}', bad)


def test_two_secrets_make_two_signatures_and_either_receiver_takes_it() -> None:
    library = pytest.importorskip("standardwebhooks")
    secrets = [signing.generated(), "an older secret of ours"]
    sent = signing.headers(secrets, "msg_1", now(), "{}")
    assert len(sent["webhook-signature"].split()) == 2
    for secret in secrets:
        assert library.Webhook(signing.key_of(secret)).verify("{}", sent) == {}


def test_a_secret_is_what_its_base64_says_or_the_text_itself() -> None:
    key = bytes(range(24))
    assert signing.key_of(f"whsec_{base64.b64encode(key).decode()}") == key
    assert signing.key_of("sixteen bytes it") == b"sixteen bytes it"
    assert len(signing.key_of(signing.generated())) == 32


@pytest.mark.parametrize("secret", ["", "fifteen bytes!!", f"whsec_{base64.b64encode(b'short').decode()}", "x" * 257])
def test_a_secret_that_protects_nothing_is_refused(secret: str) -> None:
    with pytest.raises(Invalid, match="Secret must"):
        signing.checked(secret)
    assert signing.checked("sixteen bytes it") == "sixteen bytes it"
