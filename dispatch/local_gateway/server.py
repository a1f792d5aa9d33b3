"""Starts and stops the gateway: as a program (`run`), and around a test (`LocalGateway`)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from dispatch.local_gateway.api import Api
from dispatch.local_gateway.bank import Bank
from dispatch.local_gateway.store import Store

KEY_ID = "rzp_test_localgateway"
KEY_SECRET = "local-test-key-secret"
WEBHOOK_SECRET = "local-test-webhook-secret"
STORE_NAME = "gateway.sqlite3"
_LOOK_S = 0.005


class LocalGateway:
    """`async with LocalGateway() as gw:` serves on `gw.url`; in memory, unless a data folder is given."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        key_id: str = KEY_ID,
        key_secret: str = KEY_SECRET,
        webhook_secret: str = WEBHOOK_SECRET,
        webhook_url: str = "",
        seed: int | None = None,
        public_url: str = "",
    ) -> None:
        """Port 0 takes a free one. `public_url` is how a browser reaches it, if not by host and port."""
        if not key_id.startswith("rzp_test_"):
            raise ValueError("the local gateway takes only keys that say that they are for tests (rzp_test_...)")
        self.key_id, self.key_secret, self.webhook_secret = key_id, key_secret, webhook_secret
        self.url = public_url
        self._host, self._port, self._data, self._seed = host, port, data, seed
        self._webhook_url = webhook_url
        self._store: Store | None = None
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        if self._data is not None:
            self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = Store(self._data / STORE_NAME if self._data else None)
        bank = Bank(self._store, seed=self._seed, key_secret=self.key_secret)
        bank.webhook_url = self._webhook_url
        self.api = Api(bank, self.key_id, self.webhook_secret)
        self._runner = web.AppRunner(
            self.api.application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        port = self._runner.addresses[0][1]
        self.url = self.url or f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        bank.public_url = self.url
        await self.api.sender.start()
        self._session = aiohttp.ClientSession(self.url, headers={"Authorization": self.authorization}, trust_env=False)

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._store is not None:
            await self.api.sender.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._store is not None:
            self._store.close()
        self._session = self._store = self._runner = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def authorization(self) -> str:
        """The header of its API's callers."""
        return aiohttp.encode_basic_auth(self.key_id, self.key_secret)

    def checkout_url(self, order_id: str) -> str:
        """Where a person pays; `?callback_url=` brings them back with the signed triple."""
        return f"{self.url}/checkout/{order_id}"

    async def pay(
        self, order_id: str, outcome: str = "captured", *, method: str | None = None, after_s: float | None = None
    ) -> dict[str, Any]:
        """What the browser would get: status, razorpay_order_id, razorpay_payment_id, razorpay_signature.

        Unsaid, the method is the first that the page offers.
        """
        body: dict[str, Any] = {"method": method, "outcome": outcome}
        if after_s is not None:
            body["after_s"] = after_s
        reply: dict[str, Any] = await self._json("POST", f"/checkout/{order_id}/pay", body)
        return reply

    async def control(self, **words: Any) -> dict[str, Any]:
        """POST /_control: see `dispatch.gateway.control`."""
        reply: dict[str, Any] = await self._json("POST", "/_control", words)
        return reply

    async def state(self) -> dict[str, Any]:
        reply: dict[str, Any] = await self._json("GET", "/_control/state")
        return reply

    async def events(self) -> list[dict[str, Any]]:
        reply: list[dict[str, Any]] = await self._json("GET", "/_control/events")
        return reply

    async def quiet(self, timeout_s: float = 10.0) -> None:
        """Returns when nothing is due or under way; webhooks that wait for a later try don't count."""
        end = time.monotonic() + timeout_s
        while not self.api.sender.quiet():
            if time.monotonic() > end:
                raise TimeoutError("the gateway has not become quiet")
            await asyncio.sleep(_LOOK_S)

    async def _json(self, method: str, path: str, body: Any = None) -> Any:
        if self._session is None:
            raise RuntimeError("the gateway is not running")
        async with self._session.request(method, path, json=body) as reply:
            doc = await reply.json()
            if reply.status >= 400:
                raise ValueError(doc["error"]["description"])
            return doc


class CannotServe(RuntimeError):
    """The address or the folder cannot be had; the message says why and what to do."""


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    data: Path | None = None,
    key_id: str = KEY_ID,
    key_secret: str = KEY_SECRET,
    webhook_secret: str = WEBHOOK_SECRET,
    webhook_url: str = "",
    seed: int | None = None,
    public_url: str = "",
) -> None:
    """Serves until SIGINT or SIGTERM; prints one line, `gateway ready http://...`, when it can be used.

    Raises CannotServe.
    """
    gateway = LocalGateway(
        host=host,
        port=port,
        data=data,
        key_id=key_id,
        key_secret=key_secret,
        webhook_secret=webhook_secret,
        webhook_url=webhook_url,
        seed=seed,
        public_url=public_url,
    )
    try:
        asyncio.run(_serve(gateway))
    except OverflowError:
        raise CannotServe(f"{port} is no port: choose one from 0 to 65535.") from None
    except socket.gaierror as e:
        raise CannotServe(f"The host {host!r} is unknown ({e.strerror}): choose another --host.") from None
    except OSError as e:
        why = f"{e.strerror}: {e.filename}" if e.filename else os.strerror(e.errno or 0)
        state = f" with its state in {data}" if data else ""
        raise CannotServe(
            f"The gateway cannot serve on {host}:{port}{state} ({why}): choose another --host, --port or --data."
        ) from e


async def _serve(gateway: LocalGateway) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with gateway:
        print(f"gateway ready {gateway.url}", flush=True)
        await stop.wait()
