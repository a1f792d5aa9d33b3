"""For tests about third-party apps: an app that was onboarded over HTTP, and calls by its credentials."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.api.live import Live

_numbers = itertools.count(1)

DOCUMENTS = {"documents": [{"type": "tax_id", "name": "Tax registration", "url": "https://acme.example/tax.pdf"}]}
BUSINESS = {"businessInfo": {"companyName": "Acme Homes", "website": "https://acme.example", "industry": "Homes"}}
URLS = {"webhookUrl": "https://acme.example/hooks", "callbackUrl": "https://acme.example/back"}


async def send(
    live: Live, method: str, path: str, body: Any = None, *, expect: int | None = 200,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One request of anybody; fails with the answer when the status is not the expected one."""
    async with live.http.request(method, live.url + path, json=body, headers=headers or {}) as reply:
        answer: dict[str, Any] = await reply.json()
        assert expect is None or reply.status == expect, (reply.status, answer)
        answer["_status"], answer["_retry_after"] = reply.status, reply.headers.get("Retry-After")
        return answer


@dataclass
class Onboarding:
    """An app on its way."""

    live: Live
    id: str
    slug: str
    email: str
    token: str

    async def step(self, step: str, body: Any = None, *, expect: int = 200, **headers: str) -> dict[str, Any]:
        sent = {"X-Onboarding-Token": self.token} | {k.replace("_", "-"): v for k, v in headers.items()}
        return await send(self.live, "PUT", f"/api/partners/{self.id}/{step}", body, expect=expect, headers=sent)


@dataclass
class App:
    """An active app and its credentials."""

    live: Live
    id: str
    slug: str
    email: str
    client_id: str
    secret: str
    api_key: str

    @property
    def pair(self) -> dict[str, str]:
        return {"x-client-id": self.client_id, "x-client-secret": self.secret}

    async def call(
        self, method: str, path: str, body: Any = None, *, expect: int | None = 200, **headers: str
    ) -> dict[str, Any]:
        """By client id and secret; `X_Customer_ID` names the customer."""
        sent = self.pair | {k.replace("_", "-"): v for k, v in headers.items()}
        return await send(self.live, method, path, body, expect=expect, headers=sent)

    async def own(self, method: str, path: str = "", body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
        """Of its own resource under /api/partners/{id}."""
        return await self.call(method, f"/api/partners/{self.id}{path}", body, expect=expect)

    async def customer(self, phone: str, name: str = "Asha Rao") -> str:
        made = await self.own("POST", "/customers", {"name": name, "phoneNumber": phone}, expect=None)
        assert made["_status"] in (200, 201), made
        return str(made["data"]["id"])


async def begin(live: Live, **changes: Any) -> Onboarding:
    """The first step, under a name and an address of its own."""
    n = next(_numbers)
    body = {
        "name": f"Acme Homes {n}", "email": f"dev{n}@acme.example", "phoneNumber": "+911234567890", **changes,
    }  # fmt: skip
    made = (await send(live, "POST", "/api/partners/onboarding/start", body, expect=201))["data"]
    return Onboarding(live, made["partner"]["id"], made["partner"]["slug"], body["email"], made["onboardingToken"])


async def onboard(live: Live, **changes: Any) -> App:
    """All five steps."""
    begun = await begin(live, **changes)
    await begun.step("business-info", BUSINESS)
    await begun.step("api-setup", URLS)
    await begun.step("verification", DOCUMENTS)
    keys = (await begun.step("activate", {}))["data"]["apiCredentials"]
    return App(live, begun.id, begun.slug, begun.email, keys["clientId"], keys["clientSecret"], keys["apiKey"])
