"""The other side of the gateway: a shop that takes webhooks and keeps what it got."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Got:
    event_id: str
    signature: str
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def event(self) -> str:
        return self.body["event"]

    def signed_with(self, secret: str) -> bool:
        return hmac.new(secret.encode(), self.raw, hashlib.sha256).hexdigest() == self.signature


class Shop:
    """Answers each webhook with the next of `answers`, then with 200."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[int] = []
        self._arrived = asyncio.Condition()

    @property
    def events(self) -> list[str]:
        return [got.event for got in self.got]

    async def wait_for(self, count: int) -> list[Got]:
        async with self._arrived:
            await asyncio.wait_for(self._arrived.wait_for(lambda: len(self.got) >= count), 60)
        return self.got

    async def _hook(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = request.headers
        async with self._arrived:
            self.got.append(Got(headers["x-razorpay-event-id"], headers["X-Razorpay-Signature"], raw))
            self._arrived.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
