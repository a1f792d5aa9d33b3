"""A client that speaks RFC 6455 byte by byte, soundly or not: its handshake, its frames, its connection."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

from tests.api.realtime.conftest import FIX, Running

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
EVENT = b'42/technician,7["location.report",{"fixes":[%b]}]' % str(FIX).encode()
ACK = b'43/technician,7[{"ok":true,"data":{"accepted":1}}]'
LIMIT = 65_536
#: What a close frame of ours may carry for each kind of fault.
WRONG, UNREADABLE, UNSUITED, TOO_BIG, POLICY = 1002, 1007, 1003, 1009, 1008


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\x11\x22\x33\x44",
    form: int | None = None, size: int | None = None,
) -> bytes:  # fmt: skip
    """A client's frame; `form` (7, 16 or 64 bits) and `size` may lie."""
    size = len(payload) if size is None else size
    form = form or (7 if size < 126 else 16 if size < 65_536 else 64)
    masked = 0x80 if mask is not None else 0
    head = bytes([0x80 * fin | rsv << 4 | opcode])
    head += {7: lambda: bytes([masked | size]), 16: lambda: bytes([masked | 126]) + size.to_bytes(2, "big"),
             64: lambda: bytes([masked | 127]) + size.to_bytes(8, "big")}[form]()  # fmt: skip
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


class Peer:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.002)  # so that the kernel does not join them
            with contextlib.suppress(ConnectionError):
                self.writer.write(piece)
                await self.writer.drain()

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the server: unmasked, whole, in the shortest form."""
        head = await self.reader.readexactly(2)
        assert head[0] & 0xF0 == 0x80 and head[1] < 128, "a server's frame is whole and not masked"
        size = head[1]
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
            assert size > 125
        assert size != 127, "nothing so long is sent here"
        return head[0] & 0x0F, await self.reader.readexactly(size)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")


def handshake(running: Running, *lines: str, version: str = "1.1", but: str = "") -> bytes:
    """The request, with further lines and without those that begin with `but`."""
    found = [
        f"Host: 127.0.0.1:{running.port}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]  # fmt: skip
    kept = [line for line in found if not (but and line.startswith(but))]
    head = [f"GET /socket.io/?EIO=4&transport=websocket HTTP/{version}", *kept, *lines, "", ""]
    return "\r\n".join(head).encode()


_names = itertools.count()


def sign_in() -> bytes:
    return frame(TEXT, b'40/technician,{"token":"good:rfc%d"}' % next(_names))


@contextlib.asynccontextmanager
async def connected(running: Running) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
