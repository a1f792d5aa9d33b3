"""The world that people live in: its zones, the trips that idle technicians follow, and where customers live."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shapely.geometry import Point, Polygon

from dispatch.seeding.city import KOLKATA, Area
from dispatch.simulation.policies import dice_for
from dispatch.simulation.replay import STEP_S, Trip, area_of, read_trips
from geo.geodesy import METRES_PER_DEGREE, haversine_m

#: Trips of a generated city, and how fast they go.
GENERATED_TRIPS = 400
SPEED_MPS = 7.0
#: How many trips a technician who looks for the next one compares.
LOOK = 25
#: Addresses lie within this of a trip's start.
BESIDE_M = 150.0


@dataclass(frozen=True, slots=True)
class World:
    """`bad_rows` counts the rows of the file that could not be used, by reason."""

    areas: tuple[Area, ...]
    trips: tuple[Trip, ...]
    rows: int = 0
    bad_rows: dict[str, int] | None = None

    @property
    def timezone(self) -> str:
        return self.areas[0].timezone

    def first_trip(self, seed: int, number: int) -> Trip:
        """Where technician `number` begins: the trips are dealt out in a shuffled order."""
        order = list(range(len(self.trips)))
        dice_for(seed, "trips").shuffle(order)
        return self.trips[order[number % len(order)]]

    def next_trip(self, lat: float, lng: float, dice: random.Random) -> Trip:
        """Of some trips, the one that starts nearest."""
        some = [self.trips[dice.randrange(len(self.trips))] for _ in range(LOOK)]
        return min(some, key=lambda t: haversine_m(lat, lng, *t.start))

    def home(self, dice: random.Random) -> tuple[float, float]:
        """An address near a trip's start, inside a zone."""
        shapes = [Polygon(a.ring) for a in self.areas]
        for _ in range(1000):
            lat, lng = self.trips[dice.randrange(len(self.trips))].start
            lat += dice.uniform(-BESIDE_M, BESIDE_M) / METRES_PER_DEGREE
            lng += dice.uniform(-BESIDE_M, BESIDE_M) / (METRES_PER_DEGREE * math.cos(math.radians(lat)))
            if any(shape.contains(Point(lng, lat)) for shape in shapes):
                return round(lat, 6), round(lng, 6)
        raise ValueError("no trip starts inside the zones")


def from_traces(path: Path, *, timezone: str, currency: str) -> World:
    """The world of recorded trips. Raises NoTrips."""
    found = read_trips(path)
    area = area_of(found.trips, name=path.stem.replace("_", " ")[:40], timezone=timezone, currency=currency)
    return World((area,), found.trips, found.rows, found.bad)


def generated(seed: int, areas: Sequence[Area] = KOLKATA) -> World:
    """A seeded city with made-up trips through its zones."""
    dice = dice_for(seed, "city")
    shapes = [(area, Polygon(area.ring)) for area in areas]
    trips = tuple(_walk(*dice.choice(shapes), dice) for _ in range(GENERATED_TRIPS))
    return World(tuple(areas), trips)


def _walk(area: Area, shape: Polygon, dice: random.Random) -> Trip:
    """A drive that keeps its direction for a while and turns at the zone's border."""
    west, south, east, north = shape.bounds
    while True:
        lng, lat = dice.uniform(west, east), dice.uniform(south, north)
        if shape.contains(Point(lng, lat)):
            break
    heading = dice.uniform(0.0, 2 * math.pi)
    points = [(lat, lng)]
    for _ in range(dice.randint(20, 60)):
        heading += dice.gauss(0.0, 0.35)
        step_m = SPEED_MPS * STEP_S * dice.uniform(0.3, 1.3)
        for _ in range(8):
            to_lat = lat + math.cos(heading) * step_m / METRES_PER_DEGREE
            to_lng = lng + math.sin(heading) * step_m / (METRES_PER_DEGREE * math.cos(math.radians(lat)))
            if shape.contains(Point(to_lng, to_lat)):
                lat, lng = to_lat, to_lng
                break
            heading += math.pi / 3
        points.append((round(lat, 6), round(lng, 6)))
    return Trip(tuple(points))
