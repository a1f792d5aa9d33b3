"""Who is near is who brute force says, however crowded a place is; what was typed finds beginnings, twenty at most."""

from __future__ import annotations

import random
from typing import Any

from dispatch.parties import partner_search
from dispatch.services import Services
from geo.geodesy import haversine_m
from storage.database.pool import Conn
from storage.tools import erp_bench
from tests.trade import add_partner

#: A crowded city, the country around it, a place at its edge, and one where nobody is.
AROUND = (
    (33.57, -7.59, 10_000.0), (33.57, -7.59, 100_000.0), (33.6, -7.5, 500.0), (34.9, -11.0, 100_000.0),
    (-80.0, 10.0, 10_000.0),
)  # fmt: skip


async def test_near_is_what_brute_force_says(services: Services) -> None:
    async with services.pool.connection() as conn:
        await erp_bench.fill(conn, 1_000)
        placed = await erp_bench.placed(conn)
        chance = random.Random(7)
        for lat, lng, radius_m in AROUND * 5:
            here = lat + chance.uniform(-0.05, 0.05), lng + chance.uniform(-0.05, 0.05)
            found = [n.distance_m for n in await partner_search.near(conn, *here, radius_m, 100)]
            distances = sorted(haversine_m(*here, p.lat, p.lng) for p in placed)
            assert found == [m for m in distances[:100] if m <= radius_m]
        await looks_around_alone(conn)


async def looks_around_alone(conn: Conn) -> None:
    """Of many partners only those around are looked at: both statements walk the index of places."""
    heard: list[Any] = []
    conn.add_query_logger(heard.append)
    await partner_search.near(conn, *AROUND[0])
    conn.remove_query_logger(heard.append)
    finding = [asked for asked in heard if "location" in asked.query]
    assert len(finding) == 2
    for asked in finding:
        plan = "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN {asked.query}", *asked.args))
        assert "trade_partners_location" in plan and "Seq Scan" not in plan, plan


async def test_a_crowd_at_one_spot_hides_nobody_who_is_nearer(services: Services) -> None:
    """Far in the north degrees of longitude are short: a box that holds the nearest holds many who are farther away."""
    crowd = [await add_partner(services, f"Crowd {n}", geo_lat=80.0, geo_lng=20.0) for n in range(6)]
    near = await add_partner(services, "Nearer", geo_lat=80.0, geo_lng=10.3)
    async with services.read() as conn:
        found = await partner_search.near(conn, 80.0, 10.0, 300_000, 2)
        assert [n.partner.no for n in found] == [near.no, crowd[0].no]
        assert [n.partner.no for n in await partner_search.near(conn, 80.0, 20.0, 10_000, 3)] == [
            partner.no for partner in crowd[:3]
        ]


async def test_typing_gives_twenty_and_an_exact_code_first(services: Services) -> None:
    async with services.pool.connection() as conn:
        await erp_bench.fill(conn, 100)
    exact = await add_partner(services, "Zzz", code="ATLAS")
    async with services.read() as conn:
        found = await partner_search.typed(conn, "ATLAS")
        assert len(found) <= partner_search.MOST_TYPED and found[0].no == exact.no or len(found) == 11
        assert len(await partner_search.typed(conn, "c")) == partner_search.MOST_TYPED
        assert await partner_search.typed(conn, "   ") == []
        assert {f.code for f in await partner_search.typed(conn, "cl000042")} == {"CL000042"}
