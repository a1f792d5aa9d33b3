"""A client of Dispatch's REST and sockets, as an app would have it: signs in, refreshes, reconnects, resumes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
import orjson
import socketio
from socketio.exceptions import ConnectionError as Refused
from socketio.exceptions import SocketIOError

from dispatch.client.streams import StreamBook

log = logging.getLogger(__name__)

#: A request, the connecting of a socket, and an acknowledgement may take so long, in real seconds.
REQUEST_S, CONNECT_S, ACK_S = 30.0, 15.0, 15.0
#: Between two tries to connect: doubled each time, with jitter.
BACKOFF_S, MOST_BACKOFF_S = 0.2, 5.0
#: The first fact of a new stream may come so much after the answer that named it.
EXPECT_S = 1.0
#: An access token is renewed when less than this is left of it.
RENEW_S = 60.0

#: Gives the next access token: signs in the first time, refreshes later.
Renew = Callable[[], Awaitable[str]]
OnEvent = Callable[[str, dict[str, Any]], None]


#: Events that carry the number of a fact which comes as `booking.updated` as well.
_BESIDE = frozenset({"technician.near", "technician.arrived"})


class CallFailed(Exception):
    """The server said no. `status` is the HTTP status, 0 for an answer over a socket."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.status, self.code, self.message, self.details = status, code.lower(), message, details


class Unreachable(Exception):
    """The server did not answer."""


class Credentials:
    """One principal's access token, renewed in time; several callers share one renewal."""

    def __init__(self, renew: Renew) -> None:
        self._renew = renew
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for a while yet. Raises what the renewal raises."""
        async with self._lock:
            if _now() > self._until - RENEW_S:
                self._token = await self._renew()
                claims = jwt.decode(self._token, options={"verify_signature": False})
                # Never renewed more often than every ten seconds, however short the life.
                self._until = max(float(claims["exp"]), _now() + RENEW_S + 10.0)
            return self._token

    def forget(self) -> None:
        """The token was refused: the next caller renews it."""
        self._until = 0.0


class Rest:
    """JSON over HTTP for one caller. `address` is what a trusted proxy would name as the client's."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        credentials: Credentials | None = None,
        address: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` go with every request: an app's credentials, the customer for whom it calls."""
        self._http, self._url, self._credentials = http, url.rstrip("/"), credentials
        self._headers = {**(headers or {}), **({"X-Forwarded-For": address} if address else {})}

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Any:
        """The answer's `data`, or the whole document where it has none. Raises CallFailed, Unreachable."""
        headers = dict(self._headers)
        if key is not None:
            headers["X-Idempotency-Key"] = key
        if self._credentials is not None:
            headers["Authorization"] = f"Bearer {await self._credentials.token()}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = orjson.dumps(body), "application/json"
        try:
            async with self._http.request(
                method, self._url + path, data=data, params=query, headers=headers,
                timeout=aiohttp.ClientTimeout(total=REQUEST_S),
            ) as reply:  # fmt: skip
                raw, status = await reply.read(), reply.status
        except (aiohttp.ClientError, TimeoutError) as e:
            raise Unreachable(f"{method} {path}: {e or type(e).__name__}") from e
        if status == 401 and self._credentials is not None:
            self._credentials.forget()
        return _answer(status, raw)


def _answer(status: int, raw: bytes) -> Any:
    try:
        doc = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        doc = {"message": raw[:200].decode(errors="replace")}
    if status >= 400:
        error = doc.get("error") if isinstance(doc, dict) else None
        error = error if isinstance(error, dict) else {}
        message = str(error.get("message") or doc.get("message") or "")
        raise CallFailed(status, str(error.get("code") or "error"), message, error.get("details"))
    return doc["data"] if isinstance(doc, dict) and "data" in doc else doc


class Live:
    """One socket that stays: it reconnects with a good token, resumes every stream, and counts what it was told.

    `streams` holds the last number of every stream of facts; a gap is repaired by asking again.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        namespace: str,
        credentials: Credentials,
        *,
        address: str = "",
        stream: str | None = None,
        on_event: OnEvent | None = None,
        dice: random.Random | None = None,
    ) -> None:
        """`stream`: the id of the only stream here (a technician's own); None: facts name their booking."""
        self._http, self._url, self._namespace, self._credentials = http, url, namespace, credentials
        self._headers = {"X-Forwarded-For": address} if address else {}
        self._stream, self._on_event, self._dice = stream, on_event, dice or random.Random(namespace)
        self.streams = StreamBook()
        self.connections = 0
        self.resets = 0
        self._client: socketio.AsyncClient | None = None
        self._up = asyncio.Event()
        self._repairs: set[asyncio.Task[None]] = set()

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    async def ready(self) -> None:
        """Returns when the socket is connected and has resumed."""
        await self._up.wait()

    async def run(self) -> None:
        """Keeps the socket until cancelled."""
        failures = 0
        while True:
            lost = asyncio.Event()
            client = self._new(lost)
            try:
                await self._connect(client)
                await self._catch_up(client)
                failures = 0
                self._up.set()
                await lost.wait()
            except (Refused, SocketIOError, CallFailed, Unreachable, aiohttp.ClientError, TimeoutError) as e:
                failures += 1
                log.debug("socket of %s: %s", self._namespace, e)
            finally:
                self._up.clear()
                self._client = None
                with contextlib.suppress(Exception):
                    await asyncio.shield(asyncio.wait_for(client.disconnect(), 2.0))
            pause_s = min(MOST_BACKOFF_S, BACKOFF_S * 2.0 ** min(failures, 10))
            await asyncio.sleep(pause_s * self._dice.uniform(0.5, 1.0))

    def _new(self, lost: asyncio.Event) -> socketio.AsyncClient:
        client = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, http_session=self._http, json=_Json, request_timeout=CONNECT_S
        )

        def heard(event: str, data: Any = None) -> None:
            self._heard(event, data if isinstance(data, dict) else {})

        async def gone(*_: Any) -> None:
            lost.set()

        client.on("*", heard, namespace=self._namespace)
        client.on("disconnect", gone, namespace=self._namespace)
        return client

    async def _connect(self, client: socketio.AsyncClient) -> None:
        token = await self._credentials.token()
        try:
            await client.connect(
                self._url, headers=self._headers, auth={"token": token}, transports=["websocket"],
                namespaces=[self._namespace], wait_timeout=CONNECT_S,
            )  # fmt: skip
        except Refused as e:
            # A server that is there and says no wants another token; one that is not there wants patience.
            if "namespaces" in str(e):
                self._credentials.forget()
            raise
        self._client = client
        self.connections += 1

    async def _catch_up(self, client: socketio.AsyncClient) -> None:
        found = await self._ask(client, "resume", self.streams.resume_body())
        self.streams.joined(found["epoch"], found.get("streams", {}), first=self.connections == 1)

    def _heard(self, event: str, data: dict[str, Any]) -> None:
        if event == "reset":
            self.resets += 1
        elif "seq" in data and event not in _BESIDE:
            stream = self._stream or str(data.get("booking_id"))
            if self.streams.take(stream, int(data["seq"])):
                self.repair()
        if self._on_event is not None:
            self._on_event(event, data)

    def expect(self, stream: str) -> None:
        """From now on every fact of this stream is wanted, from the first on; what does not come is asked for."""
        if self.streams.expect(stream):
            asyncio.get_running_loop().call_later(EXPECT_S, self._still_expected, stream)

    def _still_expected(self, stream: str) -> None:
        if self.streams.expect(stream):
            self.repair()

    def repair(self) -> None:
        """Asks for what is missing, in the background, once at a time."""
        if not self._repairs and self.is_up:
            task = asyncio.create_task(self._repair())
            self._repairs.add(task)
            task.add_done_callback(self._repairs.discard)

    async def _repair(self) -> None:
        client = self._client
        if client is not None:
            with contextlib.suppress(SocketIOError, CallFailed, Unreachable, TimeoutError):
                found = await self._ask(client, "resume", self.streams.resume_body())
                self.streams.joined(found["epoch"], found.get("streams", {}), first=False)

    async def command(self, event: str, tries: int = 60, **data: Any) -> Any:
        """A command that takes effect once, however often the connection breaks. Raises CallFailed, Unreachable."""
        body = {"command_id": str(uuid4()), **data}
        for _ in range(tries):
            try:
                return await self.ask(event, body)
            except Unreachable:
                await asyncio.sleep(BACKOFF_S)
        raise Unreachable(f"{event}: no answer after {tries} tries")

    async def ask(self, event: str, body: Mapping[str, Any]) -> Any:
        """Sends and waits for the answer's data. Raises CallFailed, Unreachable."""
        try:
            await asyncio.wait_for(self._up.wait(), MOST_BACKOFF_S * 2)
        except TimeoutError:
            raise Unreachable(f"{event}: not connected") from None
        client = self._client
        if client is None:
            raise Unreachable(f"{event}: the connection has just gone")
        return await self._ask(client, event, body)

    async def _ask(self, client: socketio.AsyncClient, event: str, body: Mapping[str, Any]) -> Any:
        try:
            answer = await client.call(event, dict(body), namespace=self._namespace, timeout=ACK_S)
        except (SocketIOError, TimeoutError) as e:
            raise Unreachable(f"{event}: {e or type(e).__name__}") from e
        if not isinstance(answer, dict) or not answer.get("ok"):
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            raise CallFailed(0, str(error.get("code", "error")), str(error.get("message", "")), error.get("details"))
        return answer.get("data")


class _Json:
    """orjson in the place where the library expects the standard module."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value, default=str).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


def _now() -> float:
    # Tokens live in real time.
    return time.time()
