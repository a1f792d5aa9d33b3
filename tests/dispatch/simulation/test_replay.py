"""Recorded trips: good rows are used, bad ones are counted by reason, and a useless file says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from shapely.geometry import Point, Polygon

from dispatch.simulation.replay import NoTrips, area_of, read_trips

HEADER = '"TRIP_ID","TIMESTAMP","POLYLINE"\n'


def write(folder: Path, *cells: str, header: str = HEADER) -> Path:
    path = folder / "trips.csv"
    path.write_text(header + "".join(f'"{n}","0","{cell}"\n' for n, cell in enumerate(cells)))
    return path


def test_points_are_lat_lng_every_fifteen_seconds(tmp_path: Path) -> None:
    found = read_trips(write(tmp_path, "[[-8.61,41.14],[-8.62,41.15],[-8.63,41.16]]"))
    (trip,) = found.trips
    assert trip.start == (41.14, -8.61)
    assert trip.seconds == 30.0
    assert (found.rows, found.bad) == (1, {})


def test_bad_rows_are_counted_by_reason(tmp_path: Path) -> None:
    found = read_trips(
        write(
            tmp_path, "[[-8.61,41.14],[-8.62,41.15]]", "", "[[", "{}", "[]", "[[-8.61,41.14]]", "[[1,2],[3]]",
            "[[1,2],[3,91]]", "[[1,2],[true,4]]", "[[1,2],[null,4]]",
        )
    )  # fmt: skip
    assert len(found.trips) == 1
    assert found.rows == 10
    assert found.bad == {"empty": 1, "not JSON": 1, "not a list": 1, "too short": 2, "with a bad point": 4}


def test_a_limit_stops_the_reading(tmp_path: Path) -> None:
    good = "[[-8.61,41.14],[-8.62,41.15]]"
    assert read_trips(write(tmp_path, good, good, good), limit=2).rows == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column POLYLINE"),
        ("a,b\n1,2\n", "no column POLYLINE"),
        (HEADER, "it has no rows"),
        (HEADER + '"1","0","nonsense"\n"2","0",""\n', "1 not JSON, 1 empty"),
        (HEADER + '"1"\n', "1 empty"),
    ],
)
def test_a_file_without_a_trip_says_why(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(NoTrips, match=words):
        read_trips(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoTrips, match="cannot be read"):
        read_trips(tmp_path / "nothing.csv")


def test_the_zone_spans_the_trips_but_not_their_outliers(tmp_path: Path) -> None:
    city = [
        f"[[{-8.60 - n / 1000},{41.10 + n / 1000}],[{-8.60 - n / 1000},41.16],[-8.66,{41.10 + n / 1000}]]"
        for n in range(60)
    ]
    found = read_trips(write(tmp_path, *city, "[[2.35,48.85],[-8.61,41.14]]"))
    area = area_of(found.trips, name="trips", timezone="Europe/Lisbon", currency="EUR")
    shape = Polygon(area.ring)
    assert shape.is_valid
    assert shape.contains(Point(-8.63, 41.13))
    assert not shape.contains(Point(2.35, 48.85))
    assert (area.code, area.timezone, area.currency) == ("SIM-TRIPS", "Europe/Lisbon", "EUR")


def test_the_recorded_day_of_porto(shared: Path) -> None:
    found = read_trips(shared / "data" / "porto_taxi_trips_1k.csv")
    assert found.rows == 999
    assert len(found.trips) + sum(found.bad.values()) == found.rows
    assert len(found.trips) > 980
    area = area_of(found.trips, name="porto", timezone="Europe/Lisbon", currency="EUR")
    shape = Polygon(area.ring)
    inside = sum(shape.contains(Point(t.start[1], t.start[0])) for t in found.trips)
    assert inside > 0.97 * len(found.trips)
    south, north = min(p[1] for p in area.ring), max(p[1] for p in area.ring)
    assert north - south < 0.3
