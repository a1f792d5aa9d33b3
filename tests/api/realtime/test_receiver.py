"""RFC 6455 against the real server: some hundred connections, each with one story of bytes and how it must end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from api.realtime.guard import Bucket, SocketLimits
from api.realtime.receiver import Receiver, may_be_sent
from tests.api.realtime.conftest import FIX, PATIENCE_S, Running, Serve

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
EVENT = b'42/technician,7["location.report",{"fixes":[%b]}]' % str(FIX).encode()
ACK = b'43/technician,7[{"ok":true,"data":{"accepted":1}}]'
#: Cases that run at a time.
AT_ONCE = 16
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


@dataclass(frozen=True)
class Case:
    """Bytes in the pieces in which they are sent, what must come back, and the close code that must end it.

    Without a close code the connection must live on: it is asked afterwards.
    """

    name: str
    pieces: tuple[bytes, ...]
    answers: tuple[bytes, ...] = ()
    code: int | None = None
    is_empty_close: bool = False


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


async def play(running: Running, case: Case) -> str | None:
    """Why the case failed; None when it went as it must."""
    try:
        async with asyncio.timeout(PATIENCE_S), connected(running) as peer:
            await peer.send(handshake(running) + sign_in())
            await peer.head()
            await peer.frame()
            kind, joined = await peer.frame()
            assert (kind, joined[:14]) == (TEXT, b"40/technician,"), joined
            await peer.send(*case.pieces)
            for wanted in case.answers:
                assert wanted in (found := (await peer.frame())[1]), f"{found!r} instead of {wanted!r}"
            if case.code is None and not case.is_empty_close:
                await peer.send(frame(TEXT, EVENT))
                assert (await peer.frame()) == (TEXT, ACK), "it does not live on"
            else:
                kind, payload = await peer.frame()
                told = int.from_bytes(payload[:2], "big") if payload else None
                assert (kind, told) == (CLOSE, case.code), f"ended with {kind} {payload!r}"
                with contextlib.suppress(ConnectionError):
                    assert await peer.reader.read() == b"", "something came behind the close"
    except (AssertionError, asyncio.IncompleteReadError, TimeoutError, ConnectionError) as error:
        return f"{case.name}: {type(error).__name__} {error}"
    return None


# -- the cases -----------------------------------------------------------------------------------------------


def heads() -> Iterator[Case]:
    for rsv, opcode in itertools.product(range(1, 8), range(16)):
        yield Case(f"reserved bits {rsv} on opcode {opcode}", (frame(opcode, b"x", rsv=rsv),), code=WRONG)
    for opcode, fin in itertools.product((3, 4, 5, 6, 7, 11, 12, 13, 14, 15), (True, False)):
        yield Case(f"reserved opcode {opcode}, fin {fin}", (frame(opcode, b"x", fin=fin),), code=WRONG)
    for opcode, payload in itertools.product((TEXT, BINARY, CLOSE, PING, PONG), (b"", b"x" * 50, b"x" * 125)):
        yield Case(f"unmasked {opcode} of {len(payload)}", (frame(opcode, payload, mask=None),), code=WRONG)
    yield Case("unmasked, long", (frame(TEXT, b"x" * 300, mask=None),), code=WRONG)
    yield Case("unmasked 64 bits", (frame(TEXT, b"", mask=None, form=64, size=1 << 40),), code=WRONG)
    for opcode, fin in itertools.product((CLOSE, PING, PONG), (True, False)):
        if not fin:
            yield Case(f"control {opcode} in fragments", (frame(opcode, b"", fin=False),), code=WRONG)
        yield Case(f"control {opcode} of 126, fin {fin}", (frame(opcode, b"x" * 126, fin=fin),), code=WRONG)
    for opcode, fin in itertools.product((BINARY,), (True, False)):
        yield Case(f"binary, fin {fin}", (frame(opcode, b"abc", fin=fin),), code=UNSUITED)


def lengths() -> Iterator[Case]:
    for size in (0, 1, 125):
        yield Case(f"{size} in 16 bits", (frame(TEXT, b"x" * size, form=16),), code=WRONG)
    for size in (0, 125, 126, 65_535):
        yield Case(f"{size} in 64 bits", (frame(TEXT, b"", form=64, size=size),), code=WRONG)
    for size in (1 << 63, (1 << 64) - 1, (1 << 63) + 5):
        yield Case(f"top bit: {size}", (frame(TEXT, b"", form=64, size=size),), code=WRONG)
    for size in (LIMIT + 1, 1 << 20, 1 << 32, (1 << 63) - 1):
        yield Case(f"announced {size}", (frame(TEXT, b"", form=64, size=size),), code=TOO_BIG)
        yield Case(f"announced {size} in a fragment", (frame(TEXT, b"", form=64, size=size, fin=False),), code=TOO_BIG)
    big = EVENT[:-1] + b" " * (LIMIT - len(EVENT)) + b"]"
    yield Case("the largest", (frame(TEXT, big),), (ACK,))
    yield Case("the largest in two", (frame(TEXT, big[:60_000], fin=False), frame(0, big[60_000:])), (ACK,))
    yield Case("two that are too large together", (frame(TEXT, big, fin=False), frame(0, b"x")), code=TOO_BIG)
    for size in (126, 127, 1_000, 40_000, 65_535):
        padded = EVENT[:-1] + b" " * (size - len(EVENT)) + b"]"
        yield Case(f"a text of {size}", (frame(TEXT, padded),), (ACK,))


def closings() -> Iterator[Case]:
    for code in (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999):
        yield Case(f"close {code}", (close(code, b"bye"),), code=code)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65_535):
        yield Case(f"close {code}, which is not to be sent", (close(code),), code=WRONG)
    yield Case("close with nothing", (frame(CLOSE),), is_empty_close=True)
    yield Case("close with one byte", (frame(CLOSE, b"\x03"),), code=WRONG)
    yield Case("close with the longest reason", (close(1000, b"x" * 123),), code=1000)
    for reason in (b"\xff", b"\xc3", b"\xed\xa0\x80"):
        yield Case(f"close with the reason {reason!r}", (close(1000, reason),), code=UNREADABLE)
    for behind in (frame(TEXT, EVENT), frame(PING, b"x"), frame(3), b"\xff" * 40, close(1001)):
        yield Case(f"{behind[:1]!r} behind a close", (close(1000) + behind,), code=1000)
        yield Case(f"{behind[:1]!r} behind a close, later", (close(1000), behind), code=1000)


def fragments() -> Iterator[Case]:
    for at in range(len(EVENT) + 1):
        pieces = (frame(TEXT, EVENT[:at], fin=False) + frame(0, EVENT[at:]),)
        yield Case(f"in two, cut at {at}", pieces, (ACK,))
    for many in range(3, 11):
        size = -(-len(EVENT) // many)
        parts = [EVENT[i : i + size] for i in range(0, len(EVENT), size)]
        last = len(parts) - 1
        whole = [frame(0 if n else TEXT, part, fin=n == last) for n, part in enumerate(parts)]
        yield Case(f"in {many}", (b"".join(whole),), (ACK,))
        between = [piece for one in whole[:-1] for piece in (one, frame(PING, b"p"))] + [whole[-1]]
        yield Case(f"in {many} with pings between", (b"".join(between),), (b"p",) * last + (ACK,))
    yield Case("nothing to continue", (frame(0, b"x"),), code=WRONG)
    yield Case("nothing to continue, open", (frame(0, b"x", fin=False),), code=WRONG)
    done = frame(TEXT, EVENT[:9], fin=False) + frame(0, EVENT[9:])
    yield Case("nothing more to continue", (done + frame(0, b"x"),), (ACK,), code=WRONG)
    for opcode in (TEXT, BINARY):
        yield Case(f"a {opcode} inside a message", (frame(TEXT, b"4", fin=False) + frame(opcode, b"x"),), code=WRONG)
    yield Case("a close inside a message", (frame(TEXT, b"4", fin=False) + close(1000),), code=1000)
    endless = frame(TEXT, b"4", fin=False) + frame(0, b"x" * 20_000, fin=False) * 5
    yield Case("no end, and too large", (endless,), code=TOO_BIG)
    yield Case("no end of nothing", (frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 2_000,), code=POLICY)


def cuts() -> Iterator[Case]:
    whole = frame(TEXT, EVENT)
    for at in range(1, len(whole)):
        yield Case(f"read in two, cut at {at}", (whole[:at], whole[at:]), (ACK,))
    long = frame(TEXT, EVENT[:-1] + b" " * 200 + b"]")
    for at in (1, 2, 3, 4, 5, 7, 8, 9, len(long) - 1):
        yield Case(f"16 bits, cut at {at}", (long[:at], long[at:]), (ACK,))
    largest = frame(TEXT, EVENT[:-1] + b" " * (LIMIT - len(EVENT)) + b"]")
    for at in (1, 2, 5, 9, 10, 13, 14, 15, 40_000, len(largest) - 1):
        yield Case(f"64 bits, cut at {at}", (largest[:at], largest[at:]), (ACK,))
    yield Case("byte by byte", tuple(bytes([byte]) for byte in whole), (ACK,))
    yield Case("a close byte by byte", tuple(bytes([byte]) for byte in close(1000)), code=1000)
    yield Case("thirty at once", (whole * 30,), (ACK,) * 30)
    yield Case("one and a half, then the rest", (whole + whole[:20], whole[20:]), (ACK, ACK))
    rng = random.Random(6455)
    for number in range(20):
        mask = rng.randbytes(4)
        yield Case(f"mask {mask.hex()} {number}", (frame(TEXT, EVENT, mask=mask),), (ACK,))
    for size in (0, 1, 2, 3, 4, 5, 63, 64, 124, 125):
        yield Case(f"a ping of {size}", (frame(PING, b"y" * size),), (b"y" * size,))
        yield Case(f"a pong of {size}", (frame(PONG, b"y" * size),))


def characters() -> Iterator[Case]:
    bad = (
        b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xfe", b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3(",
    )  # fmt: skip
    for found in bad:
        quoted = b'42/technician,7["x",{"y":"' + found + b'"}]'
        hot = b'42/technician,7["location.report",{"fixes":[],"' + found + b'":1}]'
        yield Case(f"{found!r} in an event", (frame(TEXT, quoted),), code=UNREADABLE)
        yield Case(f"{found!r} in a location", (frame(TEXT, hot),), code=UNREADABLE)
        yield Case(f"{found!r} alone", (frame(TEXT, found),), code=UNREADABLE)
    good = '42/technician,7["x",{"y":"é नमस्ते 😀"}]'.encode()
    for at in range(len(good) - 20, len(good)):
        pieces = (frame(TEXT, good[:at], fin=False) + frame(0, good[at:]),)
        yield Case(f"characters cut at {at}", pieces, (b"unknown_event",))


GROUPS = (heads, lengths, closings, fragments, cuts, characters)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
async def test_frames(serve: Serve, group: object) -> None:
    running = await serve(max_per_address=10_000, events_burst=60, flood_burst=50)
    running.world.location_bucket = Bucket(1e9, 1e9)  # it is one for all cases
    cases = list(group())  # type: ignore[operator]
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> str | None:
        async with gate:
            return await play(running, case)

    failures = [found for found in await asyncio.gather(*(one(case) for case in cases)) if found]
    assert not failures, f"{len(failures)} of {len(cases)}:\n" + "\n".join(failures[:20])
    assert running.stats["cut.failed"] == 0


def test_there_are_hundreds_of_cases() -> None:
    names = Counter(case.name for group in GROUPS for case in group())
    assert len(names) >= 400 and max(names.values()) == 1


def test_which_codes_may_be_sent() -> None:
    sendable = [code for code in range(6_000) if may_be_sent(code)]
    assert sendable == [1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)]


# -- the handshake -------------------------------------------------------------------------------------------


async def _status(peer: Peer, *pieces: bytes) -> tuple[int, bytes]:
    await peer.send(*pieces)
    head = await asyncio.wait_for(peer.head(), PATIENCE_S)
    return int(head.split()[1]), head


@pytest.mark.parametrize(
    ("but", "lines"),
    [
        ("Upgrade", ["Upgrade: WebSocket"]), ("Connection", ["Connection: keep-alive, Upgrade"]),
        ("", ["Sec-WebSocket-Extensions: permessage-deflate"]),
        ("", ["Sec-WebSocket-Protocol: chat"]), ("", ["Content-Length: 0"]),
    ],
)  # fmt: skip
async def test_sound_handshakes(serve: Serve, but: str, lines: list[str]) -> None:
    running = await serve()
    async with connected(running) as peer:
        status, head = await _status(peer, handshake(running, *lines, but=but) + sign_in())
        assert status == 101 and b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
        assert b"Extensions" not in head and b"Protocol:" not in head, "nothing is agreed on"
        assert (await peer.frame())[1].startswith(b"0{") and (await peer.frame())[1].startswith(b"40/technician,")


@pytest.mark.parametrize(
    ("but", "lines", "version"),
    [
        ("Sec-WebSocket-Key", [], "1.1"), ("Sec-WebSocket-Key", ["Sec-WebSocket-Key: c2hvcnQ="], "1.1"),
        ("Sec-WebSocket-Key", ["Sec-WebSocket-Key: not base64 at all!!"], "1.1"),
        ("Sec-WebSocket-Key", ["Sec-WebSocket-Key: " + "QUJD" * 12], "1.1"),
        ("", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], "1.1"), ("Sec-WebSocket-Version", [], "1.1"),
        ("Sec-WebSocket-Version", ["Sec-WebSocket-Version: 8"], "1.1"),
        ("Sec-WebSocket-Version", ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"], "1.1"),
        ("Upgrade", [], "1.1"), ("Upgrade", ["Upgrade: h2c"], "1.1"), ("Upgrade", ["Upgrade: h2c, websocket"], "1.1"),
        ("Connection", [], "1.1"),
        ("Connection", ["Connection: close"], "1.1"), ("", [], "1.0"), ("", ["Content-Length: 4"], "1.1"),
        ("", ["Transfer-Encoding: chunked"], "1.1"),
    ],
)  # fmt: skip
async def test_unsound_handshakes_are_refused(serve: Serve, but: str, lines: list[str], version: str) -> None:
    running = await serve()
    async with connected(running) as peer:
        status, _ = await _status(peer, handshake(running, *lines, version=version, but=but))
        assert status == 400 and running.server.live == {} and running.server.eio.sockets == {}


async def test_a_handshake_may_come_in_pieces_and_frames_right_behind_it(serve: Serve) -> None:
    running = await serve()
    whole = handshake(running) + sign_in() + frame(TEXT, EVENT)
    head = len(whole) - len(frame(TEXT, EVENT)) - 40
    for at in (1, 20, head - 30, head, len(whole) - 5):
        async with connected(running) as peer:
            assert (await _status(peer, whole[:at], whole[at:]))[0] == 101
            seen = [(await asyncio.wait_for(peer.frame(), PATIENCE_S))[1] for _ in range(3)]
            assert seen[1].startswith(b"40/technician,") and seen[2] == ACK


# -- in memory: every cut ------------------------------------------------------------------------------------


class Ear(Receiver):
    """A receiver without a connection: what it heard, what it wrote, and how it ended."""

    def __init__(self) -> None:
        super().__init__(SocketLimits(), Counter(), lambda *_: None)
        self.heard: list[bytes] = []
        self.written: list[bytes] = []
        self.faults: list[tuple[str, int]] = []
        self.most_bytes = LIMIT

    def text(self, payload: bytearray) -> None:
        self.heard.append(bytes(payload))

    def spend(self) -> bool:
        return True

    def violated(self, reason: str, code: int) -> None:
        self.faults.append((reason, code))
        self.cut_reason = reason

    def write(self, data: bytes, lossy: bool = False) -> bool:
        self.written.append(data)
        return True

    def close_after(self, payload: bytes) -> None:
        self.written.append(payload)

    def story(self) -> tuple[list[bytes], list[bytes], list[tuple[str, int]]]:
        return self.heard, self.written, self.faults


def hears(*pieces: bytes) -> tuple[list[bytes], list[bytes], list[tuple[str, int]]]:
    ear = Ear()
    for piece in pieces:
        ear.data_received(piece)
    return ear.story()


def test_every_frame_in_every_three_pieces() -> None:
    """A fragmented message with a ping inside, one in 16 bits, and a close with something behind it."""
    flow = (
        frame(TEXT, b"ab", fin=False) + frame(PING, b"p") + frame(0, b"cd") + frame(TEXT, b"x" * 126)
        + close(1000) + frame(TEXT, b"behind")
    )  # fmt: skip
    whole = hears(flow)
    assert whole[0] == [b"abcd", b"x" * 126] and len(whole[1]) == 2 and whole[2] == []
    for first in range(len(flow) + 1):
        for second in range(first, min(first + 20, len(flow)) + 1):
            assert hears(flow[:first], flow[first:second], flow[second:]) == whole, (first, second)


def test_any_flow_in_any_pieces() -> None:
    """Sound frames and every kind of fault, cut at random: the pieces change nothing."""
    rng = random.Random(6455)
    for _ in range(600):
        frames = []
        for _ in range(rng.randrange(1, 8)):
            payload = rng.randbytes(rng.choice((0, 1, 5, 125, 126, 300, 70_000 if rng.random() < 0.02 else 9)))
            opcode = rng.choice((TEXT, TEXT, TEXT, TEXT, 0, PING, PONG, CLOSE if rng.random() < 0.2 else TEXT, BINARY))
            fin, rsv = rng.random() < 0.8, rng.choice((0, 0, 0, 0, 0, 0, 0, rng.randrange(8)))
            mask = rng.randbytes(4) if rng.random() < 0.97 else None
            form = rng.choice((16, 64)) if rng.random() < 0.03 and len(payload) < 65_536 else None
            frames.append(frame(opcode, payload, fin=fin, rsv=rsv, mask=mask, form=form))
        flow = b"".join(frames)
        cuts = sorted(rng.randrange(len(flow) + 1) for _ in range(rng.randrange(1, 9)))
        pieces = [flow[a:b] for a, b in itertools.pairwise((0, *cuts, len(flow)))]
        assert hears(*pieces) == hears(flow)


def test_what_is_too_long_is_refused_by_its_head() -> None:
    """Before a byte of it was waited for, alone and as one more fragment."""
    assert hears(frame(TEXT, b"", form=64, size=LIMIT + 1)[:10]) == ([], [], [("too_big", TOO_BIG)])
    opened = frame(TEXT, b"4" * 60_000, fin=False)
    assert hears(opened, frame(0, b"", form=16, size=LIMIT - 60_000, fin=False)[:4])[2] == []
    assert hears(opened, frame(0, b"", form=16, size=LIMIT - 59_999, fin=False)[:4])[2] == [("too_big", TOO_BIG)]
