"""Who is near a point or in a box, as the live index has it."""

from __future__ import annotations

import pytest

from tests.api.admin.counter import Counter, own_counter
from tests.world import KOLKATA

__all__ = ["own_counter"]


@pytest.fixture
def counter(own_counter: Counter) -> Counter:
    return own_counter


async def test_technicians_are_found_by_point_by_box_and_by_what_they_do(counter: Counter) -> None:
    world = counter.world
    near = await world.technician(km_north=0.2, categories=("Facial", "Waxing"))
    far = await world.technician(km_north=3.0)
    home = await world.technician(km_north=0.3, is_available=False)
    unseen = await world.technician(km_north=0.1, seen=False)
    lat, lng = KOLKATA
    point = f"/technicians/nearby?lat={lat}&lng={lng}"
    found = await counter.ask("GET", f"{point}&radius_km=1")
    ids = [t["partner_id"] for t in found["technicians"]]
    assert ids == [str(near), str(home)] and found["total"] == 2 and str(unseen) not in ids
    first = found["technicians"][0]
    assert first["distance_m"] == pytest.approx(200, abs=5)
    assert (first["presence"], first["fix_age_s"]) == ("online", 0)
    wide = await counter.ask("GET", f"{point}&radius_km=5&max_results=1")
    assert wide["total"] > 2 and [t["partner_id"] for t in wide["technicians"]] == [str(near)]

    async def who(query: str) -> list[str]:
        return [t["partner_id"] for t in (await counter.ask("GET", f"{point}&radius_km=5&{query}"))["technicians"]]

    assert await who("service_category=Facial,Waxing") == [str(near)]
    assert str(home) not in await who("availability=available") and str(home) in await who("availability=offline")
    assert str(far) in await who("service_tier=Minimal&verified=true") and await who("service_tier=Exclusive") == []
    assert await who("min_rating=4.5") == []
    box = f"/technicians/nearby?south={lat}&north={lat + 0.01}&west={lng - 0.01}&east={lng + 0.01}"
    boxed = await counter.ask("GET", box)
    assert {t["partner_id"] for t in boxed["technicians"]} == {str(near), str(home)}
    assert boxed["technicians"][0]["distance_m"] is None
    await world.advance(seconds=600)
    assert (await counter.ask("GET", box))["technicians"][0]["presence"] == "stale"
    await counter.ask("PATCH", f"/partners/{near}", {"is_active": False})
    await world.services.roster.refresh([near])
    assert str(near) not in await who("availability=any")


@pytest.mark.parametrize("query", [
    "", "lat=22.5", "lat=22.5&lng=88&south=1", "south=1&north=2&west=3", "lat=99&lng=0", "lat=1&lng=1&radius_km=0",
    "south=2&north=1&west=3&east=4", "lat=1&lng=1&availability=asleep", "lat=1&lng=1&max_results=0", "lat=x&lng=1",
])  # fmt: skip
async def test_what_is_no_place_is_refused(counter: Counter, query: str) -> None:
    await counter.ask("GET", f"/technicians/nearby?{query}", expect=422)
