"""What is heard of a flow of frames does not depend on the pieces in which it comes."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from api.realtime.guard import SocketLimits
from api.realtime.receiver import Receiver, may_be_sent
from tests.api.realtime.rfc6455 import BINARY, CLOSE, LIMIT, PING, PONG, TEXT, TOO_BIG, close, frame


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


def test_which_codes_may_be_sent() -> None:
    sendable = [code for code in range(6_000) if may_be_sent(code)]
    assert sendable == [1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)]
