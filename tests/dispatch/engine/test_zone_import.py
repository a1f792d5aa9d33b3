"""GeoJSON to zones: whole or not at all, every fault named, names of any script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from dispatch.engine import zones
from dispatch.engine.zone_import import BadFile, import_zones, read
from dispatch.events import Actor
from storage.database.pool import Pool
from tests.city import City, city
from tests.dispatch.engine.maps import SQUARE, TERMS


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=0, customers=0) as made:
        yield made


def document(*features: tuple[dict[str, Any], Any]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": p, "geometry": g} for p, g in features],
    }


def saved(folder: Path, content: Any) -> Path:
    path = folder / "zones.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


async def test_an_import_writes_and_updates_by_code(town: City, tmp_path: Path) -> None:
    far = {"type": "Polygon", "coordinates": [[[20, 50], [21, 50], [21, 51], [20, 51], [20, 50]]]}
    path = saved(tmp_path, document(({"name": "West", "pincodes": "1000, 1001"}, SQUARE), ({"name": "East"}, far)))
    result = await import_zones(town.services, path, **TERMS, city="Lisboa")
    assert result.created == ("LISBOA-WEST", "LISBOA-EAST")
    assert result.updated == ()
    zone = town.services.zones.locate(50.5, 10.5)
    assert zone is not None
    assert (zone.code, zone.currency, zone.city) == ("LISBOA-WEST", "EUR", "Lisboa")
    centre = town.services.zones.by_pincode("1001")
    assert centre is not None
    assert centre.zone == zone
    again = await import_zones(town.services, path, timezone="Europe/Madrid", currency="EUR", city="Lisboa")
    assert again.updated == ("LISBOA-WEST", "LISBOA-EAST")
    moved = town.services.zones.by_code("LISBOA-WEST")
    assert moved is not None
    assert (moved.id, moved.timezone) == (zone.id, "Europe/Madrid")


async def test_a_bad_feature_undoes_the_whole_import(town: City, tmp_path: Path) -> None:
    path = saved(tmp_path, document(({"name": "A"}, SQUARE), ({"name": "B", "timezone": "Nowhere"}, SQUARE)))
    with pytest.raises(BadFile, match=r"Feature 2 \(B\).*Nowhere"):
        await import_zones(town.services, path, **TERMS)
    assert await town.value("SELECT count(*) FROM zones WHERE code LIKE 'ZONES-%'") == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "not GeoJSON"),
        ({"type": "FeatureCollection", "features": []}, "list of features"),
        (document(({}, SQUARE)), "no name"),
        (document(({"name": "A"}, None)), "no geometry"),
        (document(({"name": "A"}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]})), "Polygon"),
        (document(({"name": "A"}, SQUARE), ({"name": "a"}, SQUARE)), "same code"),
        (
            document(({"name": "A"}, {"type": "Polygon", "coordinates": [[[200, 0], [1, 1], [0, 1]]]})),
            "longitude",
        ),
        ({**document(({"name": "A"}, SQUARE)), "crs": {"properties": {"name": "EPSG:32645"}}}, "WGS 84"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, content: Any, complaint: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(BadFile, match=complaint) as caught:
        read(path, **TERMS)
    # Files are named as they are, and what a library says of them stays inside.
    assert path.name in caught.value.message or "eature" in caught.value.message
    assert "char" not in caught.value.message


def test_a_missing_property_is_named_with_those_there(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no property 'NAME'.*it has: WARD"):
        read(saved(tmp_path, document(({"WARD": "1"}, SQUARE))), **TERMS, name_property="NAME")
    with pytest.raises(BadFile, match="cannot be read"):
        read(tmp_path / "absent.geojson", **TERMS)


def test_the_wards_of_a_real_city_can_be_read(shared: Path) -> None:
    found, _ = read(
        shared / "data" / "kolkata_wards.geojson",
        timezone="Asia/Kolkata",
        currency="INR",
        name_property="WARD",
    )
    assert len(found) == 141
    assert found[0].zone.code == "KOLKATA-WARDS-93"


def box(west: float, south: float, size: float = 0.05) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("North Kolkata", "X-NORTH-KOLKATA"),
        ("São José", "X-SAO-JOSE"),
        ("वार्ड दो", "X-वार्ड-दो"),
        ("区 1", "X-区-1"),
        ("Ελλάδα", "X-ΕΛΛΆΔΑ"),
        (" -- Ward/7 ", "X-WARD-7"),
    ],
)
def test_a_name_in_any_script_makes_a_code(tmp_path: Path, name: str, code: str) -> None:
    found, _ = read(saved(tmp_path, document(({"name": name}, SQUARE))), **TERMS, city="x")
    assert [one.zone.code for one in found] == [code]


def test_names_in_another_script_stay_apart(tmp_path: Path) -> None:
    path = saved(tmp_path, document(({"name": "वार्ड एक"}, SQUARE), ({"name": "वार्ड दो"}, box(77.5, 23.2))))
    found, _ = read(path, **TERMS, city="भोपाल")
    assert [one.zone.code for one in found] == ["भोपाल-वार्ड-एक", "भोपाल-वार्ड-दो"]


def test_a_name_without_letters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="letter or a digit"):
        read(saved(tmp_path, document(({"name": "***"}, SQUARE))), **TERMS)


def test_a_byte_order_mark_is_no_part_of_a_document(tmp_path: Path) -> None:
    found, _ = read(saved(tmp_path, "\ufeff" + json.dumps(document(({"name": "A"}, SQUARE)))), **TERMS)
    assert len(found) == 1


async def test_bad_features_are_left_out_on_request_and_told(town: City, tmp_path: Path) -> None:
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [1, 1], [0, 0]]]}
    path = saved(
        tmp_path,
        document(
            ({"name": "Good"}, SQUARE), ({"name": "Flat"}, flat), ({"name": "Nowhere"}, None), ({}, box(20, 50)),
            ({"name": "good"}, box(21, 50)), ({"name": "Mars", "timezone": "Mars/Base"}, box(22, 50)),
        ),
    )  # fmt: skip
    with pytest.raises(BadFile, match=r"features\[1\].*--skip-bad"):
        await import_zones(town.services, path, **TERMS)
    done = await import_zones(town.services, path, **TERMS, skip_bad=True)
    assert done.created == ("ZONES-GOOD",)
    assert len(done.skipped) == 5
    with pytest.raises(BadFile, match="no feature that can be imported"):
        await import_zones(town.services, saved(tmp_path, document(({"name": "A"}, None))), **TERMS, skip_bad=True)


async def test_zones_of_another_place_are_not_replaced_unasked(town: City, tmp_path: Path) -> None:
    await import_zones(town.services, saved(tmp_path, document(({"name": "North"}, SQUARE))), **TERMS)
    elsewhere = saved(tmp_path, document(({"name": "North"}, box(20, 50))))
    with pytest.raises(BadFile, match="lies elsewhere"):
        await import_zones(town.services, elsewhere, **TERMS)
    found = town.services.zones.locate(50.5, 10.5)
    assert found is not None
    assert found.code == "ZONES-NORTH"
    moved = saved(tmp_path, document(({"name": "North", "code": "ZONES-NORTH"}, box(20, 50))))
    assert (await import_zones(town.services, moved, **TERMS)).updated == ("ZONES-NORTH",)


async def test_a_zone_over_the_180th_meridian_covers_its_island(town: City, tmp_path: Path) -> None:
    ring = [[179.8, -17.0], [-179.8, -17.0], [-179.8, -16.6], [179.8, -16.6], [179.8, -17.0]]
    path = saved(tmp_path, document(({"name": "Taveuni"}, {"type": "Polygon", "coordinates": [ring]})))
    await import_zones(town.services, path, timezone="Pacific/Fiji", currency="FJD")
    for lng in (179.9, 180.0, -180.0, -179.9):
        zone = town.services.zones.locate(-16.8, lng)
        assert zone is not None, lng
        assert town.services.zones.locate(zone.centre_lat, zone.centre_lng) == zone
    assert town.services.zones.locate(-16.8, 0.0) is None


@pytest.mark.parametrize(
    ("area", "timezone", "is_warned"),
    [
        (box(88.3, 22.5), "Asia/Kolkata", False),
        (box(22.5, 88.3), "Asia/Kolkata", True),
        (box(-9.15, 38.7), "Europe/Lisbon", False),
        (box(-46.6, -23.6), "America/Sao_Paulo", False),
        (box(-23.6, -46.6), "America/Sao_Paulo", True),
        (box(87.6, 43.8), "Asia/Shanghai", False),
        (box(179.9, -16.8), "Pacific/Fiji", False),
        (box(-8.7, 42.2), "Europe/Madrid", False),
    ],
)
async def test_swapped_coordinates_are_warned_of(
    town: City, tmp_path: Path, area: dict[str, Any], timezone: str, is_warned: bool
) -> None:
    path = saved(tmp_path, document(({"name": "Somewhere"}, area)))
    done = await import_zones(town.services, path, timezone=timezone, currency="EUR")
    assert done.created == ("ZONES-SOMEWHERE",)
    assert [("swapped" in text) for text in done.warnings] == [True] * is_warned


async def test_what_a_file_does_not_say_of_a_zone_that_is_there_stays(town: City, tmp_path: Path) -> None:
    services = town.services
    path = saved(tmp_path, document(({"name": "West", "state": "Lisboa", "pincodes": "1000"}, SQUARE)))
    await import_zones(services, path, timezone="Europe/Lisbon", currency="EUR", city="Lisboa")
    west = services.zones.by_code("LISBOA-WEST")
    assert west is not None
    given = {"opens": time(10), "closes": time(16), "days": frozenset({1, 2})}
    async with services.transaction() as tx:
        await zones.change(tx, Actor("admin", "7"), west.id, given, False)
    # The file is the same town's, drawn anew by somebody who knows nothing of hours and money.
    wider = {"type": "Polygon", "coordinates": [[[10, 50], [13, 50], [13, 51], [10, 51], [10, 50]]]}
    again = saved(tmp_path, document(({"name": "West"}, wider)))
    done = await import_zones(services, again, city="Lisboa", actor=Actor("admin", "7"))
    assert done.updated == ("LISBOA-WEST",) and len(done.warnings) == 1 and "not active" in done.warnings[0]
    after = services.zones.by_code("LISBOA-WEST")
    assert after is not None
    assert (after.timezone, after.currency, after.city, after.state) == ("Europe/Lisbon", "EUR", "Lisboa", "Lisboa")
    assert (after.opens, after.closes, after.days, after.is_active) == (time(10), time(16), frozenset({1, 2}), False)
    at = "SELECT lat::text || ' ' || lng FROM zone_pincodes WHERE pincode = '1000'"
    assert await town.value(at) == f"{after.centre_lat:g} {after.centre_lng:g}" and after.centre_lng > west.centre_lng
    said = saved(tmp_path, document(({"name": "West", "timezone": "Europe/Madrid"}, SQUARE)))
    await import_zones(services, said, city="Lisboa")
    moved = services.zones.by_code("LISBOA-WEST")
    assert moved is not None and (moved.timezone, moved.currency) == ("Europe/Madrid", "EUR")
    new = saved(tmp_path, document(({"name": "East"}, SQUARE)))
    await import_zones(services, new, city="Lisboa")
    east = services.zones.by_code("LISBOA-EAST")
    assert east is not None
    assert (east.timezone, east.currency) == (services.settings.timezone, services.settings.currency)
