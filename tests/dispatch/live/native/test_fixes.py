"""The native short way is Python's: the same frames, byte by byte, and nothing that tells two servers apart.

DISPATCH_FIXES=1000000 runs it over a million fixes.
"""

from __future__ import annotations

import json
import os
import random
import struct
from collections import Counter
from functools import partial
from typing import Any, cast

import msgspec
import pytest

from api.realtime.events import TECHNICIAN
from api.realtime.guard import Grant
from api.realtime.hot import HotEvent
from api.realtime.locations import LocationFrame, WholeFrame
from api.realtime.technician import hot_location
from dispatch.clock import Clock, Reading
from dispatch.live.native import Batch, Native, build
from dispatch.live.reports import Judged
from geo.filter import Fix, Ping
from tests.dispatch.live.drives import START_S, Phone, Side, change_jobs, people_of

FIXES = int(os.environ.get("DISPATCH_FIXES", "20000"))

decode_whole = msgspec.json.Decoder(tuple[str, WholeFrame]).decode

HEAD = b'["location.report",'
PING = b"[1767600000000,22.5,88.25,5]"
GOOD = b'{"fixes":[[1767600000000,22.5,88.25,5,11.5,123]],"sent_at_ms":1767600000123.5}]'
BEFORE = Fix(1767599990.0, 22.4999, 88.25, 5.0)


@pytest.fixture(scope="module")
def native() -> Native:
    try:
        return build.obtain()
    except build.NotBuilt as why:
        pytest.skip(f"no native module here: {why}")


def pings_of(packed: bytes) -> list[tuple[float | None, ...]]:
    return [tuple(None if v != v else v for v in row) for row in struct.iter_unpack("6d", packed)]


def check(native: Native, payload: bytes) -> bool:
    """Whether the payload is read natively; then msgspec reads the same of it, to the bit."""
    found = native.read(Batch, HEAD + payload, len(HEAD))
    if found is None:
        return False
    whole = decode_whole(HEAD + payload)[1]
    packed, size, newest_ms, sent_at_ms = found
    wanted = sorted(whole.fixes, key=lambda ping: ping.t_ms)
    assert repr(pings_of(packed)) == repr([tuple(ping) for ping in wanted])
    assert (size, newest_ms, sent_at_ms) == (len(wanted), wanted[-1].t_ms, whole.sent_at_ms)
    assert [ping.lat or ping.lng for ping in wanted]
    return True


@pytest.mark.parametrize(
    "payload",
    [
        GOOD,
        b'{"fixes":[%b]}]' % b",".join([PING] * 50),
        b'{"sent_at_ms":1767600000123,"fixes":[%b]}]' % PING,
        b'{"fixes":[%b],"sent_at_ms":null}]' % PING,
        b'{"fixes":[[0,-90,-180,0,0,0],[0,90,180,100000,1000,360]]}]',
        b'{"fixes":[[4102444800000,22.123456789012345,88.12345678901234567,null,null,null]]}]',
        b'{"fixes":[[1,0.000000000000000000001,-0.5,9.007199254740993,900.71992547409935,1e0]]}]'.replace(b"1e0", b"1"),
        b'{"fixes":[[1,0.00,1],[1.50,22.50,88.250,5.00]]}]',
        b'{"fixes":[[3,22.5,88.25],[1,22.5,88.25],[2,22.5,88.25],[1,22.5,89],[2,21,88.25]]}]',
    ],
)
def test_what_is_read(native: Native, payload: bytes) -> None:
    assert check(native, payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"}]",
        b'{"fixes":',
        b'{"fixes":[]}]',
        b'{"fixes":[[]]}]',
        b'{"fixes":[%b]}' % PING,
        b'{"fixes":[%b]}] ' % PING,
        b'{"fixes":[%b]}],1]' % PING,
        b'{"fixes":[%b,]}]' % PING,
        b'{"fixes":[%b],"fixes":[%b]}]' % (PING, PING),
        b'{"fixes":[%b],"sent_at_ms":-1}]' % PING,
        b'{"fixes":[%b],"sent_at_ms":"soon"}]' % PING,
        b'{"fixes":[%b],"sent_at_ms":1,"sent_at_ms":1}]' % PING,
        b'{"fixes":[%b],"more":1}]' % PING,
        b'{"fixes":[%b]}]' % b",".join([PING] * 51),
        b'{"fixes":%b%b}]' % (b"[" * 30_000, b"]" * 30_000),
        b'{"fixes":[[1767600000000,22.5]]}]',
        b'{"fixes":[[1767600000000,22.5,88.25,5,1,1,1]]}]',
        b'{"fixes":[[1767600000000,0,0,5]]}]',
        b'{"fixes":[[1767600000000,0.0,0.0,5]]}]',
        *(
            b'{"fixes":[[1767600000000,%b,88.25,5]]}]' % number
            for number in (
                b"", b"-", b"+1", b".5", b"5.", b"01", b"-0", b"-0.0", b"1e1", b"1E1", b"0x1", b"1_0", b"NaN", b"inf",
                b"nan", b"Infinity", b"null", b"true", b'"22"', b"90.00000000000001", b"-90.00000000000002",
                b"1" * 30_000, b"0." + b"1" * 30_000, b"1." + b"0" * 50, b"--1", b"1-1", b"1.5.5", b" 22.5", b"22.5 ",
                b"2\0", b"\xb2",
            )
        ),
        b'{"fixes":[[-1,22.5,88.25]]}]',
        b'{"fixes":[[4102444800001,22.5,88.25]]}]',
        b'{"fixes":[[1,22.5,180.00000000000003]]}]',
        b'{"fixes":[[1,22.5,88.25,100000.1]]}]',
        b'{"fixes":[[1,22.5,88.25,5,1000.5]]}]',
        b'{"fixes":[[1,22.5,88.25,5,null,361]]}]',
        b'{"fixes":[[1,22.5,88.25,-1]]}]',
    ],
)  # fmt: skip
def test_what_is_left_to_python(native: Native, payload: bytes) -> None:
    assert native.read(Batch, HEAD + payload, len(HEAD)) is None


def test_every_cut_and_every_changed_byte(native: Native) -> None:
    """What is still read says what msgspec says of the same bytes."""
    for end in range(len(GOOD)):
        assert native.read(Batch, HEAD + GOOD[:end], len(HEAD)) is None
    changed = 0
    for place in range(len(GOOD)):
        for byte in range(256):
            changed += check(native, GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])
    assert changed > 300, "another digit is another fix"


def test_numbers_are_rounded_as_they_are_in_python(native: Native) -> None:
    rng = random.Random(11)
    forms = [repr, *(f"{{:{form}}}".format for form in (".3f", ".6f", ".16f", ".17g", ".22f", ".0f"))]
    read = 0
    for _ in range(FIXES // 10):
        values = [rng.uniform(0, 4e12), rng.uniform(-90, 90), rng.uniform(-180, 180)]
        values += [rng.choice((1.0, 1e-3, 1e-9)) * rng.uniform(0, 360) for _ in range(3)]
        read += check(native, b'{"fixes":[[%b]]}]' % ",".join(rng.choice(forms)(v) for v in values).encode())
    assert read > 0.5 * FIXES // 10


@pytest.mark.parametrize("start", [-1, 10**9, -(2**62)])
def test_a_start_outside_the_frame_reads_nothing(native: Native, start: int) -> None:
    assert native.read(Batch, bytearray(HEAD + GOOD), start) is None


@pytest.mark.parametrize(
    ("packed", "now_s", "offset_s"),
    [
        (b"", 1767600001.0, 0.0),
        (b"\0" * 47, 1767600001.0, 0.0),
        (b"\0" * 48 * 51, 1767600001.0, 0.0),
        (struct.pack("6d", *[float("nan")] * 6), 1767600001.0, 0.0),
        (struct.pack("6d", float("inf"), 22.5, 88.25, 5, 1, 1), 1e300, 0.0),
        (struct.pack("6d", 1767600000000, 22.5, 88.25, 5, 1, 1), float("nan"), 0.0),
        (struct.pack("6d", 1767600000000, 22.5, 88.25, 5, 1, 1), 1767600001.0, float("nan")),
        (struct.pack("6d", 1767600000000, 22.5, 88.25, 5, 1, 1), 1767600001.0, float("-inf")),
        (struct.pack("6d", 1767600000000, float("nan"), 88.25, 5, 1, 1), 1767600001.0, 0.0),
    ],
)
def test_nothing_is_made_of_what_is_no_ping(native: Native, packed: bytes, now_s: float, offset_s: float) -> None:
    assert native.run(Judged, Fix, packed, 1, BEFORE, BEFORE, now_s, offset_s, [1]) is None


def test_a_batch_makes_its_pings(native: Native) -> None:
    payload = b'{"fixes":[[1,2.5,3],[2,2.5,3,4,null,6]],"sent_at_ms":7}]'
    batch = native.read(Batch, bytearray(HEAD + payload), len(HEAD))
    assert batch is not None and batch[1:] == (2, 2.0, 7.0)
    assert batch.pings() == [Ping(1.0, 2.5, 3.0), Ping(2.0, 2.5, 3.0, 4.0, None, 6.0)]


# ---------------------------------------------------------------- two servers


class Socket:
    """Keeps what is answered."""

    def __init__(self, grant: Grant) -> None:
        self.grants = {TECHNICIAN: grant}
        self.said: list[bytes] = []

    def write(self, data: bytes, lossy: bool = False) -> bool:
        self.said.append(bytes(data))
        return True

    def limited(self) -> None:
        raise AssertionError("nobody limits here")


def text_of(rng: random.Random, rows: list[list[Any]], sent_at_ms: float | None) -> bytes:
    """The frame in one of the ways in which clients write it; now and then it is damaged."""
    digits = rng.choice((None, None, 6, 7, 12))
    if digits is not None:
        rows = [[round(v, digits) if isinstance(v, float) and v == v else v for v in row] for row in rows]
    if rng.random() < 0.2:
        rows = [[int(row[0]) if isinstance(row[0], float) and row[0] == row[0] else row[0], *row[1:]] for row in rows]
    if rng.random() < 0.2:
        rows = [row[: rng.choice((3, 4, 5))] if row[4] is None else row for row in rows]
    body: dict[str, Any] = {"fixes": rows}
    if sent_at_ms is not None:
        body = {**body, "sent_at_ms": sent_at_ms} if rng.random() < 0.7 else {"sent_at_ms": sent_at_ms, **body}
    text = json.dumps(["location.report", body], separators=(", ", ": ") if rng.random() < 0.03 else (",", ":"))
    text = text.replace("NaN", rng.choice(("null", "NaN")))
    if rng.random() < 0.03:
        at = rng.randrange(len(HEAD), len(text))
        text = text[:at] + rng.choice(("", "0", "5", "-", ",", "]", "e1", "null")) + text[at + rng.choice((0, 1)) :]
    return b"42/technician,17" + text.encode()


def test_two_servers_one_result(native: Native) -> None:
    rng = random.Random(2027)
    clock = Clock(Reading(0.0, START_S, 0.0))
    people = people_of(12)
    quick, plain = sides = (Side(clock, people), Side(clock, people))
    natively: Counter[str] = Counter()

    class Counted:
        read = staticmethod(native.read)

        @staticmethod
        def run(made: type[Judged], fix: type[Fix], packed: bytes, *args: Any) -> Any:
            found = native.run(made, fix, packed, *args)
            natively["taken" if found else "left"] += len(packed) // 48
            return found

    quick.tracker.native = cast(Native, Counted)
    here, there = (
        HotEvent(TECHNICIAN, "location.report", LocationFrame, hot_location(side.tracker), None, WholeFrame, read)
        for side, read in zip(sides, (partial(native.read, Batch), None), strict=True)
    )
    sockets = [Socket(Grant(person.id, device, 2e9)) for person in people for device in ("a", "a", "a", "b")]
    phones = {person.id: Phone(rng, person) for person in people}
    sent = frames = detections = 0
    while sent < FIXES:
        frames += 1
        step_s = rng.choice((0.05, 0.3, 1.0, 3.0, 400.0 if frames % 97 == 0 else 1.0))
        clock.set(Reading(0.0, clock.timestamp() + step_s, 0.0))
        socket = rng.choice(sockets)
        phone = phones[socket.grants[TECHNICIAN].principal]
        if rng.random() < 0.05:
            change_jobs(rng, phone, sides, clock.timestamp(), frames)
        rows = phone.rows(clock.timestamp())
        sent += len(rows)
        sent_at_ms = (clock.timestamp() - phone.behind_s - 0.2) * 1000.0 if rng.random() < 0.3 else None
        frame = text_of(rng, rows, sent_at_ms)
        answers = []
        for event in (here, there):
            stats: Counter[str] = Counter()
            answers.append((event.take(socket, bytearray(frame), stats), stats, socket.said))
            socket.said = []
        assert answers[0] == answers[1], f"frame {frames}: {frame!r}"
        assert "hot_errors" not in answers[0][1]
        state = quick.state(phone.person)
        assert state == plain.state(phone.person), f"frame {frames}: {frame!r}"
        detections += len(state[2])
    assert natively["taken"] > 0.2 * sent and natively["left"] > 0.05 * sent, natively
    assert quick.tracker.admitted > 0.5 * sent and detections > sent / 2_000
    assert quick.tracker.dropped and len(quick.tracker.degraded) == 3
