"""Zones: where a point is, what a document may hold, and the wards of a real city."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from shapely import Polygon

from geo.geodesy import haversine_m
from geo.zones import ZoneMap, area_km2, centre, parse_geojson, simplify, to_geojson
from tests.geo.shared_data import real_file


def square(west: float, south: float, size: float) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_the_smallest_zone_wins_and_borders_are_inside() -> None:
    zones = ZoneMap([("big", polygon(square(0, 0, 4))), ("small", polygon(square(1, 1, 1)))])
    assert zones.locate(1.5, 1.5) == "small"
    assert zones.locate(3.0, 3.0) == "big"
    assert zones.locate(1.0, 1.0) == "small", "a corner belongs to its zone"
    assert zones.locate(0.0, 2.0) == "big", "so does an edge"
    assert zones.locate(4.001, 2.0) is None
    assert zones.covers("big", 1.5, 1.5)
    assert not zones.covers("small", 3.0, 3.0)


def test_latitude_comes_first_in_calls_and_second_in_documents() -> None:
    zones = ZoneMap([(1, polygon(square(88, 22, 1)))])
    assert zones.locate(22.5, 88.5) == 1
    assert zones.locate(88.5, 22.5) is None


def test_a_hole_is_outside_and_the_centre_is_not_in_it() -> None:
    zones = ZoneMap([("ring", polygon(square(0, 0, 3), square(1, 1, 1)))])
    assert zones.locate(1.5, 1.5) is None
    assert zones.locate(0.5, 0.5) == "ring"
    assert zones.covers("ring", *zones.centre("ring"))


def test_no_zones_and_no_points() -> None:
    assert ZoneMap[str]().locate(0, 0) is None
    zones = ZoneMap([("a", polygon(square(0, 0, 1)))])
    assert zones.locate(math.nan, 0) is None
    assert zones.locate(math.inf, 0) is None
    with pytest.raises(KeyError):
        zones.covers("b", 0, 0)
    with pytest.raises(ValueError, match="same key"):
        ZoneMap([("a", polygon(square(0, 0, 1))), ("a", polygon(square(0, 0, 2)))])


def test_area_of_a_degree_on_the_equator() -> None:
    (degree,) = parse_geojson(polygon(square(0, 0, 1)))
    assert area_km2(degree.geometry) == pytest.approx(12_364, rel=0.001)
    (far_north,) = parse_geojson(polygon(square(0, 60, 1)))
    assert area_km2(far_north.geometry) == pytest.approx(12_364 * math.cos(math.radians(60.5)), rel=0.001)


def test_every_kind_of_document() -> None:
    first, second = polygon(square(0, 0, 1)), polygon(square(5, 5, 1))
    both = {"type": "MultiPolygon", "coordinates": [first["coordinates"], second["coordinates"]]}
    found = parse_geojson({"type": "FeatureCollection", "features": [feature(first, name="a"), feature(both)]})
    assert [zone.properties for zone in found] == [{"name": "a"}, {}]
    assert found[1].geometry.area == pytest.approx(2)
    assert parse_geojson(feature(first, name="x"))[0].properties == {"name": "x"}
    assert parse_geojson(feature(first) | {"properties": None})[0].properties == {}
    assert parse_geojson(to_geojson(found[1].geometry))[0].geometry.equals(found[1].geometry)


def test_an_open_ring_is_closed_and_a_bow_tie_repaired() -> None:
    (opened,) = parse_geojson(polygon(square(0, 0, 1)[:-1]))
    assert opened.geometry.area == pytest.approx(1)
    (bow,) = parse_geojson(polygon([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]))
    assert bow.geometry.is_valid
    assert bow.geometry.area == pytest.approx(0.5)


OPEN = square(0, 0, 1)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "must be an object"),
        ({}, "MultiPolygon is needed$"),
        ({"type": "Point", "coordinates": [0, 0]}, "not 'Point'"),
        ({"type": "GeometryCollection", "geometries": []}, "not 'GeometryCollection'"),
        ({"type": "FeatureCollection"}, "list of features"),
        ({"type": "FeatureCollection", "features": []}, "list of features"),
        ({"type": "FeatureCollection", "features": [feature(polygon(OPEN)), 3]}, r"features\[1\]: not"),
        (feature(None), "no geometry"),
        (feature(polygon(OPEN)) | {"properties": "x"}, "properties"),
        (polygon(), "list of rings"),
        ({"type": "Polygon", "coordinates": "abc"}, "list of rings"),
        (polygon([]), "ring 0: a list of points"),
        (polygon([[0, 0], [1, 1], [0, 0]]), "three different points"),
        (polygon([[0, 0], [1, 1], [2, 2], [0, 0]]), "encloses no area"),
        (polygon([[0, 0], [1, "1"], [2, 2], [0, 0]]), "ring 0, point 1: the latitude is not a number"),
        (polygon([[0, 0], [True, 1], [2, 2], [0, 0]]), "point 1: the longitude is not a number"),
        (polygon([[0, 0], [181, 1], [2, 2], [0, 0]]), "longitude 181 is not between"),
        (polygon([[0, 0], [1, 91], [2, 2], [0, 0]]), "latitude 91 is not between"),
        (polygon([[0, 0], [math.nan, 1], [2, 2], [0, 0]]), "longitude nan"),
        (polygon([[0, 0], [1], [2, 2], [0, 0]]), "point 1: a point is"),
        (polygon(OPEN) | {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}, "crs"),
        (polygon(OPEN) | {"crs": "EPSG:4326"}, "crs"),
    ],
)  # fmt: skip
def test_a_bad_document_is_refused_with_the_place(document: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_geojson(document)


def test_simplifying_keeps_the_line_near() -> None:
    circle = [[math.cos(a / 500 * math.tau) / 10, math.sin(a / 500 * math.tau) / 10] for a in range(500)]
    (zone,) = parse_geojson(polygon(circle))
    assert isinstance(zone.geometry, Polygon)
    simple = simplify(zone.geometry, 100.0)
    assert isinstance(simple, Polygon)
    assert len(simple.exterior.coords) < 60
    assert zone.geometry.hausdorff_distance(simple) * 111_200 < 120


def test_the_wards_of_a_real_city() -> None:
    document = json.loads(real_file("kolkata_wards.geojson").read_text())
    wards = parse_geojson(document)
    zones = ZoneMap([(ward.properties["WARD"], ward.geometry) for ward in wards])
    assert len(zones) == len(wards) == 141
    for ward in wards:
        name = ward.properties["WARD"]
        assert zones.covers(name, *centre(ward.geometry))
        assert zones.locate(*zones.centre(name)) == name
    # The city's own figure is 206 km2 with the later wards, 185 without.
    assert 180 < sum(area_km2(zones.area(name)) for name in zones) < 210
    esplanade = zones.locate(22.5645, 88.3510)
    assert esplanade is not None
    assert haversine_m(22.5645, 88.3510, *zones.centre(esplanade)) < 3_000
    assert zones.locate(28.6139, 77.2090) is None


def test_a_ring_over_the_180th_meridian_is_cut_there() -> None:
    outer = [[179.0, 0], [-179.0, 0], [-179.0, 2], [179.0, 2], [179.0, 0]]
    hole = [[-179.8, 0.5], [-179.4, 0.5], [-179.4, 1.5], [-179.8, 1.5], [-179.8, 0.5]]
    zones = ZoneMap([("island", polygon(outer, hole))])
    for lng in (179.5, 180.0, -180.0, -179.9, -179.1):
        assert zones.locate(1.0, lng) == "island", lng
    for lng in (178.9, 0.0, -178.9, -179.6):
        assert zones.locate(1.0, lng) is None, lng
    ((_, area),) = [(key, zones.area(key)) for key in zones]
    assert area_km2(area) == pytest.approx(area_km2(Polygon([(0, 0), (2, 0), (2, 2), (0, 2)])) * 0.9, rel=0.01)
    assert parse_geojson(to_geojson(area))[0].geometry.equals(area), "what was cut is read back as it is"


def test_the_whole_world_and_a_pole_are_taken_as_drawn() -> None:
    world = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    pole = [[-180, -90], [-180, -60], [-90, -65], [0, -60], [90, -65], [180, -60], [180, -90], [-180, -90]]
    zones = ZoneMap([("world", polygon(world)), ("pole", polygon(pole))])
    assert zones.locate(10.0, 10.0) == "world"
    assert zones.locate(-80.0, 10.0) == "pole"


def test_bad_features_can_be_told_instead_of_refused() -> None:
    document = {
        "type": "FeatureCollection",
        "features": [feature(None), feature(polygon(square(0, 0, 1)), name="good"), feature({"type": "Point"})],
    }
    bad: dict[int, str] = {}
    assert [one.properties for one in parse_geojson(document, bad)] == [{"name": "good"}]
    assert sorted(bad) == [0, 2]
    with pytest.raises(ValueError, match="there is no geometry"):
        parse_geojson(document)
