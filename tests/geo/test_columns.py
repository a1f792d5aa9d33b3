"""The columns of the index: they grow, and their places are used again."""

from __future__ import annotations

from geo.geodesy import destination
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
