"""The bench part of the ERP: partners found while somebody types, and around a place, among a hundred thousand."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from dispatch.bench.figures import Figure
from dispatch.bench.stage import Stage
from dispatch.parties import partner_search
from dispatch.simulation.report import percentile
from geo.geodesy import haversine_m
from storage.database.pool import Conn, create_pool
from storage.tools import erp_bench
from storage.trade_partners import Placed

PARTNERS = 100_000
#: How often each kind is asked for, and what that may cost, in ms (p50).
TIMES, TYPED_MS, NEAR_MS = 200, 20.0, 5.0
#: What people type, from one letter to a whole number.
TYPED = {
    "one letter": ("a", "s", "z", "m"), "a beginning": ("atl", "sah", "zell", "maj"),
    "a common word": ("atlas", "corp", "trading"), "two words": ("atlas trad", "acme corp", "oasis foods"),
    "a code": ("CL000042", "cl0999", "CL01"), "a phone": ("+212 5", "2125 0791", "0791 9"), "nothing": ("qqq", "xyzzy"),
}  # fmt: skip
#: A city with half of them, and the country; with the radius in metres.
AROUND = {"in a city, 10 km": (33.57, -7.59, 0.1, 10_000.0), "in a country, 100 km": (31.5, -6.5, 3.0, 100_000.0)}
#: Answers of so many places are compared with brute force.
COMPARED = 20


def part(stage: Stage) -> list[Figure]:
    """Times of the domain's own functions, on one connection, and how many answers differ from brute force."""
    with stage.empty() as dsn:
        return asyncio.run(_fill_and_measure(stage, dsn))


async def _fill_and_measure(stage: Stage, dsn: str) -> list[Figure]:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        async with pool.connection() as conn:
            await erp_bench.fill(conn, stage.few(PARTNERS))
            stage.say("made the partners")
            return await measure(conn, stage.few(TIMES), random.Random(stage.seed))
    finally:
        await pool.close()


async def measure(conn: Conn, times: int, chance: random.Random) -> list[Figure]:
    """Each kind of asking on its own; what is typed also all together."""
    found, every = [], list[float]()
    for what, texts in TYPED.items():
        taken = [await _typed_ms(conn, texts[n % len(texts)]) for n in range(times)]
        every += taken
        found.append(_figure(f"typing, {what}", taken, TYPED_MS))
    found.append(_figure("typing", every, TYPED_MS))
    placed = await erp_bench.placed(conn)
    wrong = 0
    for what, (lat, lng, spread, radius_m) in AROUND.items():
        places = [(lat + chance.uniform(-spread, spread), lng + chance.uniform(-spread, spread)) for _ in range(times)]
        found.append(_figure(f"nearby, {what}", [await _near_ms(conn, *p, radius_m) for p in places], NEAR_MS))
        for place in places[:COMPARED]:
            wrong += await _differs(conn, placed, *place, radius_m)
    found.append(Figure("erp", "wrong answers of nearby", "", float(wrong), note=f"of {COMPARED * len(AROUND)}"))
    return found


async def _typed_ms(conn: Conn, text: str) -> float:
    begun = time.perf_counter()
    await partner_search.typed(conn, text)
    return (time.perf_counter() - begun) * 1000


async def _near_ms(conn: Conn, lat: float, lng: float, radius_m: float) -> float:
    begun = time.perf_counter()
    await partner_search.near(conn, lat, lng, radius_m)
    return (time.perf_counter() - begun) * 1000


async def _differs(conn: Conn, placed: Sequence[Placed], lat: float, lng: float, radius_m: float) -> bool:
    """Whether the answer is another than that of looking at everybody."""
    answer = [near.distance_m for near in await partner_search.near(conn, lat, lng, radius_m)]
    distances = sorted(haversine_m(lat, lng, p.lat, p.lng) for p in placed)
    return answer != [m for m in distances[: partner_search.NEAR] if m <= radius_m]


def _figure(what: str, taken: list[float], most_ms: float) -> Figure:
    middle, late = percentile(taken, 0.5) or 0.0, percentile(taken, 0.95) or 0.0
    return Figure("erp", f"{what}, p50", "ms", middle, wanted=f"<= {most_ms:g} ms", note=f"p95 {late:.1f} ms")
