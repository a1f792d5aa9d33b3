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


WAY = "[[88.35,22.56],[88.351,22.561],[88.352,22.562]]"


@pytest.mark.parametrize(
    "text",
    [
        f'\ufeffPOLYLINE\n"{WAY}"\n',
        f'\ufeffTRIP_ID,POLYLINE\n1,"{WAY}"\n',
        f'TRIP_ID;POLYLINE\n1;"{WAY}"\n',
        f"TRIP_ID\tPOLYLINE\n1\t{WAY}\n",
        f'trip_id, polyline\n1,"{WAY}"\n\n',
        'POLYLINE\n"[[88.35,22.56,10.5],[88.351,22.561,11],[88.352,22.562,11]]"\n',
    ],
)
def test_marks_delimiters_case_and_heights_make_no_difference(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trips.csv"
    path.write_text(text, encoding="utf-8")
    (trip,) = read_trips(path).trips
    assert trip.points == ((22.56, 88.35), (22.561, 88.351), (22.562, 88.352))


def test_trips_over_the_180th_meridian_span_a_narrow_zone(tmp_path: Path) -> None:
    found = read_trips(
        write(tmp_path, "[[179.99,-16.8],[179.995,-16.8],[-180,-16.8],[-179.995,-16.8],[-179.99,-16.8]]")
    )
    area = area_of(found.trips, name="Fiji", timezone="Pacific/Fiji", currency="FJD")
    lngs = [lng for lng, _ in area.ring]
    assert max(lngs) - min(lngs) < 0.1
    assert min(lngs) < 180.0 < max(lngs)
