"""Zones and trips from the files that people have: scripts, marks, the 180th meridian, bad features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from dispatch.simulation.replay import read_trips
from tests.trials.callers import Trial

#: A server that was tried before has the zones of that time.
RUN = uuid4().hex[:6]


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def saved(folder: Path, *features: tuple[dict[str, Any], Any], name: str = "zones", mark: str = "") -> str:
    document = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": p, "geometry": g} for p, g in features],
    }
    path = folder / f"{name}{RUN}.geojson"
    path.write_text(mark + json.dumps(document), encoding="utf-8")
    return str(path)


async def zones(trial: Trial, begin: str) -> dict[str, str]:
    """Codes and names of the zones whose code begins so."""
    listed = json.loads(await trial.house.said("zones", "list", "--json"))
    return {one["code"]: one["name"] for one in listed if one["code"].startswith(begin)}


async def test_names_in_any_script_stay_apart(trial: Trial, tmp_path: Path) -> None:
    one = saved(tmp_path, ({"name": "वार्ड एक"}, box(-30, 0, -29, 1)), ({"name": "वार्ड दो"}, box(-28, 0, -27, 1)))
    said = await trial.house.said("zones", "import", one, "--city", f"Trial One {RUN}")
    assert said.startswith("zones: 2 new")
    assert "running server" in said, "when it takes effect"
    assert sorted((await zones(trial, f"TRIAL-ONE-{RUN}-".upper())).values()) == ["वार्ड एक", "वार्ड दो"]


async def test_a_zone_elsewhere_is_not_replaced_by_its_namesake(trial: Trial, tmp_path: Path) -> None:
    here = saved(tmp_path, ({"name": "Same"}, box(-30, 10, -29, 11)), name="trialtwo")
    await trial.house.said("zones", "import", here)
    there = saved(tmp_path, ({"name": "Same"}, box(-20, 10, -19, 11)), name="trialtwo")
    code, _, err = await trial.house.command("zones", "import", there)
    assert code == 1
    assert "lies elsewhere" in err


async def test_a_byte_order_mark_is_no_fault(trial: Trial, tmp_path: Path) -> None:
    path = saved(tmp_path, ({"name": "Marked"}, box(-30, 20, -29, 21)), name="trialthree", mark="\ufeff")
    assert (await trial.house.said("zones", "import", path)).startswith("zones: 1 new")


async def test_a_bad_feature_is_told_and_the_rest_imported_on_request(trial: Trial, tmp_path: Path) -> None:
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [1, 1], [0, 0]]]}
    path = saved(tmp_path, ({"name": "Good"}, box(-30, 30, -29, 31)), ({"name": "Flat"}, flat), name="trialfour")
    code, _, err = await trial.house.command("zones", "import", path)
    assert code == 1
    assert "--skip-bad" in err
    code, out, err = await trial.house.command("zones", "import", path, "--skip-bad")
    assert code == 0
    assert out.startswith("zones: 1 new")
    assert "left out" in err


async def test_swapped_coordinates_are_warned_of(trial: Trial, tmp_path: Path) -> None:
    path = saved(tmp_path, ({"name": "Swapped"}, box(22.5, 88.3, 22.55, 88.35)), name="trialfive")
    code, _, err = await trial.house.command("zones", "import", path, "--timezone", "Asia/Kolkata")
    assert code == 0
    assert "swapped" in err


async def test_a_ring_over_the_180th_meridian_is_the_island_and_not_the_rest(trial: Trial, tmp_path: Path) -> None:
    ring = [[179.8, -17.0], [-179.8, -17.0], [-179.8, -16.6], [179.8, -16.6], [179.8, -17.0]]
    path = saved(tmp_path, ({"name": "Taveuni"}, {"type": "Polygon", "coordinates": [ring]}), name="trialsix")
    terms = ("--timezone", "Pacific/Fiji", "--currency", "FJD")
    code, out, err = await trial.house.command("zones", "import", path, *terms)
    assert code == 0
    assert out.startswith("zones: 1 new")
    assert "swapped" not in err


def test_trips_with_a_mark_or_semicolons_are_read(tmp_path: Path) -> None:
    way = "[[88.35,22.56],[88.351,22.561],[88.352,22.562]]"
    for text in (f'\ufeffPOLYLINE\n"{way}"\n', f'TRIP_ID;POLYLINE\n1;"{way}"\n', f'trip_id,polyline\n1,"{way}"\n'):
        path = tmp_path / "trips.csv"
        path.write_text(text, encoding="utf-8")
        assert len(read_trips(path).trips) == 1
