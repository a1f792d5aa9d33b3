"""RFC 6455 against the real server: some hundred connections, each with one story of bytes and how it must end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from api.realtime.guard import Bucket
from tests.api.realtime.conftest import PATIENCE_S, Running, Serve
from tests.api.realtime.rfc6455 import (
    ACK,
    BINARY,
    CLOSE,
    EVENT,
    LIMIT,
    PING,
    POLICY,
    PONG,
    TEXT,
    TOO_BIG,
    UNREADABLE,
    UNSUITED,
    WRONG,
    close,
    connected,
    frame,
    handshake,
    sign_in,
)

#: Cases that run at a time.
AT_ONCE = 16


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
