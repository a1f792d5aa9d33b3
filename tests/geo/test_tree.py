"""The tree below the index: what goes in is found, what is deleted is not."""

from __future__ import annotations

import gc
import random

from geo.geodesy import Box
from geo.tree import BoxTree


def overlap(a: Box, b: Box) -> bool:
    return a.south <= b.north and b.south <= a.north and a.west <= b.east and b.west <= a.east


def test_an_empty_tree_finds_nothing() -> None:
    tree = BoxTree()
    assert len(tree) == 0
    assert tree.intersecting(Box(-90, -180, 90, 180)).tolist() == []


def test_inserts_and_deletes_against_a_list() -> None:
    rng = random.Random(7)
    tree, boxes = BoxTree(), dict[int, Box]()
    for step in range(3000):
        if boxes and rng.random() < 0.4:
            gone = rng.choice(sorted(boxes))
            tree.delete(gone, boxes.pop(gone))
        else:
            south, west = rng.uniform(-1, 1), rng.uniform(-1, 1)
            boxes[step] = Box(south, west, south + rng.random() / 10, west + rng.random() / 10)
            tree.insert(step, boxes[step])
        if step % 50 == 0:
            south, west = rng.uniform(-1, 1), rng.uniform(-1, 1)
            query = Box(south, west, south + 0.3, west + 0.3)
            expected = sorted(key for key, box in boxes.items() if overlap(box, query))
            assert sorted(tree.intersecting(query).tolist()) == expected
    assert len(tree) == len(boxes)


def test_found_ids_outlive_the_tree() -> None:
    tree = BoxTree()
    for key in range(100):
        tree.insert(key * 10**12, Box(0, 0, 1, 1))
    found = tree.intersecting(Box(0, 0, 1, 1))
    del tree
    gc.collect()
    assert sorted(found.tolist()) == [key * 10**12 for key in range(100)]
