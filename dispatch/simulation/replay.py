"""Recorded trips from a CSV: streamed, checked row by row, and the zone that they span."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from shapely.geometry import MultiPoint

from dispatch.errors import Invalid
from dispatch.seeding.city import Area
from geo.geodesy import METRES_PER_DEGREE, valid_position, wrapped_lng

#: The column with the way: a JSON list of [lon, lat], one every STEP_S seconds.
COLUMN = "POLYLINE"
STEP_S = 15.0
#: A trip needs so many points to be one, and more of them than this are cut off.
LEAST_POINTS, MOST_POINTS = 2, 5_000
#: More trips than this are not kept in memory.
MOST_TRIPS = 50_000
#: A row is refused when it is longer: nothing of a day's trip is.
MOST_CHARS = 4_000_000
#: Of the points, so many at either end are outliers as far as the zone is concerned.
OUTLIERS = 0.01
#: The zone reaches so far beyond the trips.
MARGIN_M = 500.0
#: What stands between the columns.
DELIMITERS = ",;\t|"


class NoTrips(Invalid):
    """The file holds no usable trip."""

    code = "no_trips"


@dataclass(frozen=True, slots=True)
class Trip:
    """A recorded drive: (lat, lng) every `step_s` seconds."""

    points: tuple[tuple[float, float], ...]
    step_s: float = STEP_S

    @property
    def start(self) -> tuple[float, float]:
        return self.points[0]

    @property
    def seconds(self) -> float:
        return self.step_s * (len(self.points) - 1)


@dataclass(frozen=True, slots=True)
class TripFile:
    """The usable trips of a file; `bad` counts the other rows by what was wrong with them."""

    trips: tuple[Trip, ...]
    rows: int
    bad: dict[str, int]


def read_trips(path: Path, limit: int = MOST_TRIPS) -> TripFile:
    """Reads up to `limit` usable trips. Raises NoTrips with what is wrong with the file."""
    trips: list[Trip] = []
    bad: Counter[str] = Counter()
    rows = 0
    for row in _rows(path):
        rows += 1
        trip = _trip(row)
        if isinstance(trip, Trip):
            trips.append(trip)
            if len(trips) >= limit:
                break
        else:
            bad[trip] += 1
    if not trips:
        reasons = ", ".join(f"{count} {reason}" for reason, count in bad.most_common()) or "it has no rows"
        raise NoTrips(message=f"{path} holds no usable trip ({reasons}).")
    return TripFile(tuple(trips), rows, dict(bad))


def _rows(path: Path) -> Iterator[str | None]:
    """The POLYLINE of every row; None for a row that has none."""
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            before = csv.field_size_limit(MOST_CHARS)
            try:
                first = file.readline(MOST_CHARS)
                delimiter = max(DELIMITERS, key=first.count)
                names = [name.strip().upper() for name in next(csv.reader([first], delimiter=delimiter), [])]
                if COLUMN not in names:
                    raise NoTrips(message=f"{path} has no column {COLUMN}: its first line must name the columns.")
                place = names.index(COLUMN)
                for row in csv.reader(file, delimiter=delimiter):
                    if row:
                        yield row[place] if place < len(row) else None
            finally:
                csv.field_size_limit(before)
    except OSError as e:
        raise NoTrips(message=f"{path} cannot be read: {e.strerror}.") from e
    except csv.Error as e:
        raise NoTrips(message=f"{path} is no CSV: {e}.") from e


def _trip(text: str | None) -> Trip | str:
    """The trip in a cell, or what is wrong with it."""
    if not text:
        return "empty"
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "not JSON"
    if not isinstance(raw, list):
        return "not a list"
    points = [_point(p) for p in raw[:MOST_POINTS]]
    if any(p is None for p in points):
        return "with a bad point"
    if len(points) < LEAST_POINTS:
        return "too short"
    return Trip(tuple(p for p in points if p is not None))


def _point(pair: Any) -> tuple[float, float] | None:
    # A third number is the height.
    if not (isinstance(pair, list) and len(pair) in (2, 3)):
        return None
    lng, lat = pair[:2]
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in (lat, lng)):
        return None
    return (float(lat), float(lng)) if valid_position(lat, lng) else None


def area_of(trips: tuple[Trip, ...], *, name: str, timezone: str, currency: str) -> Area:
    """The zone that the trips span: the hull of their points without the outliers, with a margin around."""
    around_deg = trips[0].start[1]

    def near(lng: float) -> float:
        """The same meridian, on the first trip's side of the 180th."""
        return around_deg + wrapped_lng(lng - around_deg)

    lats = sorted(p[0] for t in trips for p in t.points)
    lngs = sorted(near(p[1]) for t in trips for p in t.points)
    cut = int(len(lats) * OUTLIERS)
    south, north, west, east = lats[cut], lats[-1 - cut], lngs[cut], lngs[-1 - cut]
    inside = [
        (near(lng), lat) for t in trips for lat, lng in t.points if south <= lat <= north and west <= near(lng) <= east
    ]
    # A degree of longitude is shorter than one of latitude: the margin is laid where both are as long.
    narrow = math.cos(math.radians((south + north) / 2))
    hull = MultiPoint([(lng * narrow, lat) for lng, lat in inside]).convex_hull
    around = hull.buffer(MARGIN_M / METRES_PER_DEGREE, quad_segs=2)
    ring = tuple((round(x / narrow, 6), round(y, 6)) for x, y in around.exterior.coords[:-1])
    code = "SIM-" + "".join(c for c in name.upper() if c.isalnum())[:20]
    return Area(code, name, name, name, ring, timezone=timezone, currency=currency)
