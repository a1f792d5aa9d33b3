"""The columns of the index: they grow, their places are used again, and a box stays within the degrees."""

from __future__ import annotations

import pytest

from geo.columns import Columns
from geo.geodesy import Box, destination
from geo.index import FleetIndex
from tests.geo.test_index import CITY


def test_it_grows_and_reuses_its_slots() -> None:
    index = FleetIndex()
    for turn in range(3):
        for key in range(3_000):
            index.put(key, *destination(*CITY, key % 360, key), float(turn), skills=1 << key % 64)
        assert len(index) == 3_000
        near = index.within(*CITY, 500.0)
        assert near.keys.tolist() == list(range(len(near))), "keys lie in the order of their distance"
        for key in range(3_000):
            assert index.remove(key)
    assert len(index) == 0
    assert len(index.within(*CITY, 10_000.0)) == 0


@pytest.mark.parametrize(("lat", "lng", "box"), [
    (0.0, 0.0, Box(-1.0, -1.0, 1.0, 1.0)), (89.5, 0.0, Box(88.0, -114.593, 90.0, 114.593)),
    (0.0, -179.5, Box(-1.0, -180.0, 1.0, -178.0)),
])  # fmt: skip
def test_a_box_holds_its_position_within_the_degrees_that_exist(lat: float, lng: float, box: Box) -> None:
    columns = Columns()
    slot = columns.take_slot()
    columns.lay(slot, lat, lng, 1.0)
    assert columns.box(slot) == pytest.approx(box, abs=0.01)


def test_a_box_may_lie_ahead_of_its_position() -> None:
    columns = Columns()
    slot = columns.take_slot()
    columns.lay(slot, 0.0, 0.0, 1.0, north=0.5, east=-0.5)
    assert columns.box(slot) == pytest.approx(Box(-0.5, -1.5, 1.5, 0.5))
