"""Pushes to pages, against a push service of our own: what its browser reads, and what is made of its refusals."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dispatch.adapters.messages.web_push import Pushes, WebPush
from dispatch.adapters.webhooks import HttpPoster
from dispatch.ports.messages import LocalOutbox, Message, RecipientGone, SendFailed
from dispatch.ports.web_push import Signer, wrapped

CURVE, AUTH = ec.SECP256R1(), b"sixteen bytes ok"
SIGNER = Signer(wrapped(b"\7" * 32), "mailto:ops@example.com")


@dataclass
class Browser:
    """A browser and its push service."""

    url: str = ""
    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))

    @property
    def page(self) -> dict[str, str]:
        return {"p256dh": wrapped(self._point(self.key)), "auth": wrapped(AUTH)}

    async def take(self, request: web.Request) -> web.Response:
        if self.status == 201:
            self.got.append((request.headers.copy(), orjson.loads(self._read(await request.read()))))
        return web.Response(status=self.status, headers=self.headers)

    def _read(self, body: bytes) -> bytes:
        """RFC 8188 and RFC 8291 from the other side."""
        salt, (size, length) = body[:16], struct.unpack("!IB", body[16:21])
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert size >= len(sealed)
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
        info = b"WebPush: info\0" + self._point(self.key) + sender
        secret = HKDF(SHA256(), 32, AUTH, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        text, delimiter = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0").rsplit(b"\2", 1)
        assert delimiter == b""
        return text

    @staticmethod
    def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
        return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    made = Browser()
    app = web.Application()
    app.router.add_post("/push/one", made.take)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/push/one"))
        yield made


@pytest.fixture
async def pages() -> AsyncIterator[WebPush]:
    made = WebPush(SIGNER, HttpPoster(["127.0.0.1"]))
    yield made
    await made.close()


def offer(browser: Browser, *, age_s: float = 0, **more: Any) -> Message:
    params = {
        "title": "New Job Offer", "message": "Booking BK-1 on 2 January at 10:00", "type": "offer_made",
        "booking_id": "b1", "token": browser.url, "page": browser.page, **more,
    }  # fmt: skip
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    return Message(9, "push", "technician:1", "notification", "text", params, at)


async def test_only_that_browser_reads_it_while_it_is_true(browser: Browser, pages: WebPush) -> None:
    await pages.send(offer(browser, life_s=900, age_s=100))
    await pages.send(offer(browser, type="booking_rated"))
    (urgent, told), (calm, _) = browser.got
    assert told == {
        "title": "New Job Offer", "message": "Booking BK-1 on 2 January at 10:00", "type": "offer_made",
        "booking_id": "b1", "message_id": 9,
    }  # fmt: skip
    assert (urgent["Urgency"], urgent["Content-Encoding"]) == ("high", "aes128gcm")
    assert 0 < int(urgent["TTL"]) <= 800
    assert urgent["Authorization"].startswith("vapid t=") and SIGNER.public_key in urgent["Authorization"]
    assert (calm["Urgency"], calm["TTL"]) == ("normal", "86400")
    with pytest.raises(SendFailed, match="too late") as late:
        await pages.send(offer(browser, life_s=900, age_s=901))
    assert late.value.is_permanent and len(browser.got) == 2


async def test_endless_words_are_cut(browser: Browser, pages: WebPush) -> None:
    await pages.send(offer(browser, title="t" * 9000, message="\N{BENGALI LETTER KA}" * 9000))
    await pages.send(offer(browser, message="\N{SMILING FACE WITH SUNGLASSES}" * 9000, title="\1" * 9000))
    (_, cut), (_, short) = browser.got
    assert (len(cut["title"]), len(cut["message"])) == (500, 500) and short["message"] == ""


@pytest.mark.parametrize("status", [404, 410])
async def test_a_page_that_its_service_does_not_know_is_gone(browser: Browser, pages: WebPush, status: int) -> None:
    browser.status = status
    with pytest.raises(RecipientGone):
        await pages.send(offer(browser))


@pytest.mark.parametrize(
    ("status", "is_permanent"), [(400, True), (413, True), (403, False), (429, False), (503, False), (302, True)]
)
async def test_other_refusals_keep_the_page(browser: Browser, pages: WebPush, status: int, is_permanent: bool) -> None:
    browser.status, browser.headers = status, {"Retry-After": "7"}
    with pytest.raises(SendFailed) as failed:
        await pages.send(offer(browser))
    assert not isinstance(failed.value, RecipientGone)
    assert (failed.value.is_permanent, failed.value.retry_after_s) == (is_permanent, 7.0)


async def test_private_machines_are_not_called(browser: Browser) -> None:
    closed = WebPush(SIGNER, HttpPoster())
    with pytest.raises(SendFailed, match="could not be reached"):
        await closed.send(offer(browser))
    await closed.close()
    assert browser.got == []


async def test_apps_and_pages_have_a_sender_each(browser: Browser, pages: WebPush) -> None:
    both = Pushes(LocalOutbox(), pages)
    message = offer(browser)
    del message.params["page"]
    await both.send(message)
    assert browser.got == []
    await both.send(offer(browser))
    assert len(browser.got) == 1
