"""Those who are available, by what they can do: two trees of boxes per skill, of the well-rated and of the rest."""

from __future__ import annotations

import math

from geo.tree import BoxTree

#: The trees of a skill are parted here, at the rating that matching usually asks for: such a match never sees
#: the others. Any other rating is still answered exactly.
WELL_RATED = 4.0
#: Bits of a mask of skills.
SKILL_BITS = 64


class SkillTrees:
    """Trees by skill, made when somebody first has it. Places in masks are those of the well-rated of each skill, then
    those of the rest of each."""

    def __init__(self) -> None:
        self._by_place: list[BoxTree | None] = [None] * (2 * SKILL_BITS)

    def of(self, places: int) -> list[BoxTree]:
        """The trees of a mask of places."""
        found = []
        for bit in _bits(places):
            tree = self._by_place[bit]
            if tree is None:
                tree = self._by_place[bit] = BoxTree()
            found.append(tree)
        return found

    def fewest(self, skill_mask: int, min_rating: float) -> list[BoxTree]:
        """The trees of that skill of the mask which the fewest have; none when nobody can have all of it."""
        best: list[BoxTree] = []
        fewest = math.inf
        for bit in _bits(skill_mask):
            both = (
                self._by_place[bit],
                None if min_rating >= WELL_RATED else self._by_place[bit + SKILL_BITS],
            )
            trees = [tree for tree in both if tree]
            count = sum(map(len, trees))
            if count < fewest:
                best, fewest = trees, count
        return best


def _bits(mask: int) -> list[int]:
    """The places of the set bits."""
    places = []
    while mask:
        low = mask & -mask
        places.append(low.bit_length() - 1)
        mask ^= low
    return places
