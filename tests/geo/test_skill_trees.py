"""The trees by skill: which of them a mask names, and which of several a search takes."""

from __future__ import annotations

from geo.geodesy import Box
from geo.skill_trees import SKILL_BITS, WELL_RATED, SkillTrees

HERE = Box(0.0, 0.0, 1.0, 1.0)


def ids(trees: SkillTrees, skill_mask: int, min_rating: float = WELL_RATED) -> list[int]:
    return sorted(n for tree in trees.fewest(skill_mask, min_rating) for n in tree.intersecting(HERE).tolist())


def filled(*places: int) -> SkillTrees:
    """Somebody in the trees of each mask, numbered from 1."""
    trees = SkillTrees()
    for number, mask in enumerate(places, 1):
        for tree in trees.of(mask):
            tree.insert(number, HERE)
    return trees


def test_a_mask_names_a_tree_for_each_bit_and_the_same_again() -> None:
    trees = SkillTrees()
    first = trees.of(0b101 | 1 << (2 * SKILL_BITS - 1))
    assert len(first) == 3 and trees.of(0) == []
    assert all(a is b for a, b in zip(first, trees.of(0b101 | 1 << (2 * SKILL_BITS - 1)), strict=True))


def test_the_skill_that_the_fewest_have_is_taken() -> None:
    trees = filled(0b01, 0b01, 0b11)
    assert ids(trees, 0b01) == [1, 2, 3]
    assert ids(trees, 0b11) == ids(trees, 0b10) == [3]


def test_what_nobody_can_do_is_no_tree() -> None:
    trees = filled(0b01)
    assert trees.fewest(0b11, WELL_RATED) == [] == SkillTrees().fewest(0b01, 0.0)


def test_the_rest_are_seen_only_where_a_lower_rating_is_enough() -> None:
    trees = filled(0b01, 0b01 << SKILL_BITS)
    assert ids(trees, 0b01) == [1]
    assert ids(trees, 0b01, WELL_RATED - 0.1) == [1, 2]
