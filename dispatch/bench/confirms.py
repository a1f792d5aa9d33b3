"""How many bookings a second are confirmed, by a compiled generator: nobody answers, or each offer is accepted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from dispatch.bench.load import Load
from dispatch.bench.processes import LOAD_CORE, NotMeasurable, on_core
from dispatch.bench.stage import Server

#: How many are confirmed at a time, and how long all of them may take.
AT_ONCE, LIMIT_S = 16, 120
#: What the answer of a confirm says that has made an offer.
OFFERED = '"status":"partner_assigned"'


@dataclass(frozen=True, slots=True)
class Rate:
    """Confirms a second that made an offer, and what one cost the server and its database, in ms of CPU."""

    per_s: float
    server_ms: float
    database_ms: float


def median_of(rounds: Sequence[Rate]) -> Rate:
    """The medians of several rounds."""
    return Rate(
        median(one.per_s for one in rounds), median(one.server_ms for one in rounds),
        median(one.database_ms for one in rounds),
    )  # fmt: skip


def request_of(body: dict[str, Any], token: str, address: str) -> bytes:
    """The bytes of a confirm as a customer's app sends it."""
    raw = orjson.dumps(body)
    head = (
        f"POST /v1/checkout/confirm HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"X-Forwarded-For: {address}\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


async def rate(
    binary: Path, server: Server, requests: Sequence[bytes], technicians: Load, *, are_accepted: bool = False
) -> Rate:
    """Confirms them all, while these technicians listen, and accept at once if they should. Raises NotMeasurable."""
    technicians.do("accepts", int(are_accepted))
    before = server.spent_s()
    process = await asyncio.create_subprocess_exec(
        str(binary), str(server.port), str(AT_ONCE), str(LIMIT_S), OFFERED, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, preexec_fn=on_core(LOAD_CORE),
    )  # fmt: skip
    said, _ = await process.communicate(b"\0".join(requests))
    after = server.spent_s()
    technicians.do("accepts", 0)
    if process.returncode != 0:
        raise NotMeasurable("the server did not answer all confirms")
    found = json.loads(said)
    each = [(b - a) / found["requests"] * 1000 for a, b in zip(before, after, strict=True)]
    return Rate(found["found"] / found["took_s"], *each)
