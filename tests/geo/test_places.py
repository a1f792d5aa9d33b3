"""Slots by key: the same as a dict, whatever the keys are."""

from __future__ import annotations

import random

import numpy as np
import pytest

from geo.index import FleetIndex
from geo.places import DENSE, NONE, Places

#: Around the end of the column, far beyond it, below zero, and beyond what 32 bits hold.
ODD = [DENSE - 1, DENSE, DENSE + 1, -1, -DENSE, 1 << 40, -(1 << 40)]


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_dict(seed: int) -> None:
    rng, places, plain = random.Random(seed), Places(), dict[int, int]()
    for slot in range(4_000):
        key = rng.choice(ODD) if rng.random() < 0.02 else rng.randrange(3_000)
        if key in plain and rng.random() < 0.6:
            assert places.pop(key) == plain.pop(key)
        elif key not in plain:
            places.put(key, slot)
            plain[key] = slot
        assert len(places) == len(plain)
    keys = [*range(3_100), *ODD]
    assert [places.find(key) for key in keys] == [plain.get(key, NONE) for key in keys]
    assert places.find_many(keys).tolist() == [plain.get(key, NONE) for key in keys]
    assert places.find_many(np.arange(50)).tolist() == [plain.get(key, NONE) for key in range(50)]
    assert places.find_many([]).tolist() == []
    assert places.pop(2_999_999) == NONE == places.find(2_999_999)


@pytest.mark.parametrize("key", ODD)
def test_the_index_takes_any_key(key: int) -> None:
    index = FleetIndex()
    index.put(key, 12.9, 77.6, 1.0, skills=1)
    index.put(7, 12.9, 77.6, 1.0, skills=1)
    assert key in index and key + 2 not in index
    index.move(key, 13.4, 77.6, 2.0)
    moved = index.move_many([key, 7, 8], np.array([13.5, 13.5, 13.5]), np.full(3, 77.6), np.full(3, 3.0))
    assert moved == 2
    assert index.within(13.5, 77.6, 1.0).keys.tolist() == sorted([key, 7])
    assert index.remove(key) and not index.remove(key)
    assert index.position(key) is None and len(index) == 1
    with pytest.raises(KeyError):
        index.move(key, 12.9, 77.6, 4.0)
