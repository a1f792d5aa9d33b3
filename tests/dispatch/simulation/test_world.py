"""Simulated cities and where their technicians are."""

from __future__ import annotations

import random

from dispatch.simulation import world
from dispatch.simulation.paths import Path, recorded
from geo.geodesy import haversine_m

HERE = (22.5726, 88.3639)


def test_a_generated_city_is_the_same_for_one_seed_and_stays_in_its_zones() -> None:
    one, two, other = world.generated(1), world.generated(1), world.generated(2)
    assert one.trips == two.trips
    assert one.trips != other.trips
    for trip in one.trips[:50]:
        for a, b in zip(trip.points, trip.points[1:], strict=False):
            assert haversine_m(*a, *b) < 150.0
    assert one.home(random.Random(1)) == two.home(random.Random(1))


def test_idle_technicians_start_on_different_trips_and_go_on_nearby() -> None:
    city = world.generated(1)
    starts = {city.first_trip(1, n).start for n in range(50)}
    assert len(starts) > 45
    chosen = city.next_trip(*HERE, random.Random(1))
    assert haversine_m(*HERE, *chosen.start) < 6000.0
    assert isinstance(recorded(chosen.points, chosen.step_s, 0.0), Path)
