"""Thousands of idle sockets in one process: just enough Engine.IO to sign in, answer heartbeats and note offers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import aiohttp
import orjson

PATH = "/socket.io/?EIO=4&transport=websocket"
#: How many connect at once, and how long one may take.
AT_ONCE, CONNECT_S = 20, 20.0
_OFFER, _ACK = '42/technician,["offer.made",', "43/technician,"


class IdleSockets:
    """Technicians' sockets that listen, and accept when they are told to: they measure what one of them waits for.

    `offers` maps a booking to the moment its offer was read, the offer's id, and whose it is.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._readers: list[asyncio.Task[None]] = []
        self.offers: dict[str, tuple[float, str, aiohttp.ClientWebSocketResponse]] = {}
        self._news = asyncio.Event()
        self._acks: dict[str, asyncio.Future[float]] = {}

    async def open(self, tokens: Sequence[str], progress: Callable[[int], None]) -> None:
        """Connects one socket per token. Raises ConnectionError when one is refused."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, token: str) -> None:
            async with gate:
                await asyncio.wait_for(self._connect(number, token), CONNECT_S)
                progress(1)

        await asyncio.gather(*(one(n, token) for n, token in enumerate(tokens)))

    async def _connect(self, number: int, token: str) -> None:
        address = f"10.9.{number >> 8 & 255}.{number & 255}"
        socket = await self._http.ws_connect(self._url + PATH, headers={"X-Forwarded-For": address}, compress=0)
        await socket.receive_str()
        await socket.send_str("40/technician," + orjson.dumps({"token": token}).decode())
        answer = await socket.receive_str()
        if not answer.startswith("40/technician"):
            raise ConnectionError(f"A socket was refused: {answer[:200]}")
        self._sockets.append(socket)
        self._readers.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            at = time.perf_counter()
            if message.data == "2":
                await socket.send_str("3")
            elif message.data.startswith(_OFFER):
                offer = orjson.loads(message.data[len(_OFFER) : -1])
                self.offers[str(offer["booking_id"])] = at, str(offer["offer_id"]), socket
                self._news.set()
            elif message.data.startswith(_ACK):
                number, _, answer = message.data[len(_ACK) :].partition("[")
                waiting = self._acks.pop(number, None)
                if waiting is not None and not waiting.done():
                    if answer.startswith('{"ok":true'):
                        waiting.set_result(at)
                    else:
                        waiting.set_exception(ConnectionError(f"An offer could not be accepted: {answer[:200]}"))

    async def offered(self, booking_id: str, timeout_s: float) -> float | None:
        """The moment (perf_counter) at which the booking's offer was read; None when it does not come."""

        async def wait() -> float:
            while booking_id not in self.offers:
                self._news.clear()
                await self._news.wait()
            return self.offers[booking_id][0]

        try:
            return await asyncio.wait_for(wait(), timeout_s)
        except TimeoutError:
            return None

    async def accept(self, booking_id: str, timeout_s: float) -> float:
        """How long the acceptance of the booking's offer takes until it is acknowledged, in seconds.

        Raises ConnectionError when it is refused, TimeoutError.
        """
        _, offer_id, socket = self.offers[booking_id]
        number = str(len(self.offers) + len(self._acks))
        acknowledged = self._acks[number] = asyncio.get_running_loop().create_future()
        frame = _acceptance(number, offer_id)
        sent = time.perf_counter()
        await socket.send_str(frame)
        at: float = await asyncio.wait_for(acknowledged, timeout_s)
        return at - sent

    async def close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        closing: list[Awaitable[bool]] = [socket.close() for socket in self._sockets]
        await asyncio.gather(*closing, return_exceptions=True)


def _acceptance(number: str, offer_id: str) -> str:
    body = orjson.dumps(["offer.accept", {"offer_id": offer_id, "command_id": str(uuid4())}]).decode()
    return f"42/technician,{number}{body}"
