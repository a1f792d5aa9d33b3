"""An integration's part of the API, typed: its credentials, its customers, bookings for them, webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

import aiohttp
import orjson

from dispatch.client.client import Credentials, Rest
from dispatch.client.customer import CustomerApi
from dispatch.client.documents import AppCustomer, Usage, Webhook

#: A webhook whose timestamp is further from now is refused, in seconds (Standard Webhooks).
TOLERANCE_S = 300
_PREFIX = "whsec_"


class BadSignature(Exception):
    """This webhook was not signed with the secret, or long ago."""


class PartnerApi:
    """Signs in by client id and secret and renews its token. Everything raises CallFailed, Unreachable."""

    def __init__(self, http: aiohttp.ClientSession, url: str, client_id: str, client_secret: str) -> None:
        self._http, self._url = http, url
        self._pair = {"x-client-id": client_id, "x-client-secret": client_secret}
        self._id = ""
        self._credentials = Credentials(self._sign_in)
        self._rest = Rest(http, url, self._credentials)

    async def _sign_in(self) -> str:
        signed = await Rest(self._http, self._url, headers=self._pair).call("POST", "/api/partners/auth")
        self._id = str(signed["partnerId"])
        return str(signed["token"])

    async def own(self, method: str, path: str = "", body: Any = None) -> Any:
        """A call of one's own resource, /api/partners/{id}."""
        await self._credentials.token()
        return await self._rest.call(method, f"/api/partners/{self._id}{path}", body)

    async def customer(self, name: str, phone: str, email: str | None = None) -> AppCustomer:
        """A customer of this app; the same phone again is the same customer."""
        body = {"name": name, "phoneNumber": phone} | ({"email": email} if email else {})
        return cast(AppCustomer, await self.own("POST", "/customers", body))

    def as_customer(self, customer_id: str) -> CustomerApi:
        """Books for one of its customers."""
        return CustomerApi(Rest(self._http, self._url, self._credentials, headers={"X-Customer-ID": customer_id}).call)

    async def usage(self) -> Usage:
        return cast(Usage, await self.own("GET", "/usage"))

    async def subscribe(self, url: str, events: Sequence[str], secret: str | None = None) -> Webhook:
        """The secret stands in the answer, this once."""
        body = {"url": url, "events": list(events)} | ({"secret": secret} if secret else {})
        return cast(Webhook, await self.own("POST", "/webhooks", body))


def read_webhook(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> dict[str, Any]:
    """The event in a webhook that came, proved (https://www.standardwebhooks.com). `now` is real unix seconds.

    Raises BadSignature. Events come at least once: `webhook-id` tells a repetition.
    """
    heads = {name.lower(): value for name, value in headers.items()}
    id_, stamp = heads.get("webhook-id", ""), heads.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs((now or time.time()) - int(stamp)) > TOLERANCE_S:
        raise BadSignature
    key = base64.b64decode(secret.removeprefix(_PREFIX)) if secret.startswith(_PREFIX) else secret.encode()
    signed = f"{id_}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # After a rotation there are two signatures for a day: one of them is enough.
    given = [part.partition(",")[2] for part in heads.get("webhook-signature", "").split()]
    if not any(hmac.compare_digest(one.encode(), wanted.encode()) for one in given):
        raise BadSignature
    return cast(dict[str, Any], orjson.loads(body))
