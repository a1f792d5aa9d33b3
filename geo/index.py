"""Who is near: an R-tree of fat boxes over exact positions and capabilities held in columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo.columns import Columns
from geo.geodesy import (
    METRES_PER_DEGREE,
    Box,
    bounding_boxes,
    chord_square_of,
    chord_squares,
    chord_to_m,
    valid_position,
)
from geo.hits import Around, Floats, Hits, Keys, Spot, Weights
from geo.places import NONE, Places
from geo.skill_trees import SKILL_BITS, WELL_RATED, SkillTrees
from geo.tree import BoxTree

Slots = NDArray[np.int64]

#: Half the side of a technician's box. Measured at 100,000 technicians: 250 m makes one ping in thirty work
#: for the tree, and a query hardly notices; 50 m one in five; beyond 400 m queries slow down.
SLACK_M = 250.0
#: Who comes so far from one report to the next that few fit into such a box (a phone that sends fifty fixes at a
#: time) gets one for about so many, up to this half side: laying a box anew costs as much as all the rest of such a
#: frame, and a box that is too wide costs the queries.
REPORTS_IN_BOX, MOST_SLACK_M = 10, 1_000.0
#: A new box is laid ahead of the way by this share of the slack: who keeps the direction stays in it for
#: longer.
LEAD = 0.6
#: What a technician without ratings counts as.
UNRATED_COUNTS_AS = 4.0
#: The smallest circle of `around`, which doubles it while too few are in it.
FIRST_CIRCLE_M = 1_000.0
#: Bits in `tiers`.
TIER_BITS = 32

_NOTHING: Slots = np.empty(0, dtype=np.int64)
_NOBODY = Hits(_NOTHING, np.empty(0, dtype=np.float64))


class FleetIndex:
    """Positions and capabilities by an opaque integer key.

    A ping is a write to the columns; a tree works only when the position leaves its box, which is `slack_m`
    wider than the position on each side, and more for who comes far from one report to the next. Queries ask a
    tree for the boxes that touch the circle and then filter exactly. One tree holds everybody; two more per skill
    hold those who are available, the well-rated and the rest, so that a match sees few hits.
    Single-threaded: one event loop owns it.
    """

    def __init__(self, slack_m: float = SLACK_M) -> None:
        if not 0.0 < slack_m <= 100_000.0:
            raise ValueError("slack_m must be over 0 and at most 100000")
        self._half_lat = slack_m / METRES_PER_DEGREE
        self._most_half_lat = max(slack_m, MOST_SLACK_M) / METRES_PER_DEGREE
        self._columns = Columns()
        self._places = Places()
        self._everybody = BoxTree()
        self._skill_trees = SkillTrees()
        #: Boxes laid since the start, for the metrics: pings per reinsert should stay near thirty.
        self.reinserts = 0
        #: Who left their box last, and how far with that report: it is laid anew when somebody else leaves theirs, or
        #: when somebody looks. Whoever sends many frames at once is laid once, and laying costs more than a frame.
        self._adrift: tuple[int, float, float] | None = None
        #: The circle that sufficed `around` last: it begins with it, for places of one city are alike.
        self._circle_m = FIRST_CIRCLE_M

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: int) -> bool:
        return self._places.find(key) != NONE

    # ------------------------------------------------------------------ writing

    def put(
        self, key: int, lat: float, lng: float, at_s: float, *,
        skills: int = 0, tiers: int = 0, available: bool = True, rating: float = math.nan,
    ) -> None:  # fmt: skip
        """Adds `key` or replaces all that is known of it. Raises ValueError for a position out of range or a
        mask that is too wide, and changes nothing then."""
        _check(lat, lng, skills, tiers)
        if self._places.find(key) != NONE:
            self.set_attributes(key, skills=skills, tiers=tiers, available=available, rating=rating)
            self.move(key, lat, lng, at_s)
            return
        c = self._columns
        slot = c.take_slot()
        self._places.put(key, slot)
        c.raw_key[slot], c.raw_lat[slot], c.raw_lng[slot], c.raw_at_s[slot] = key, lat, lng, at_s
        c.raw_skills[slot], c.raw_tiers[slot], c.raw_available[slot] = skills, tiers, available
        self._rate(slot, rating)
        c.lay(slot, lat, lng, self._half_lat)
        self._insert(slot)

    def move(self, key: int, lat: float, lng: float, at_s: float) -> bool:
        """A new position; True when it is out of its box, which has to be laid anew. Raises KeyError for an unknown
        key, ValueError for a position out of range."""
        slot = self._places.find(key)
        if slot == NONE:
            raise KeyError(key)
        c = self._columns
        if (
            abs(lng - c.raw_anchor_lng[slot]) <= c.raw_half_lng[slot]
            and abs(lat - c.raw_anchor_lat[slot]) <= c.raw_half_lat[slot]
        ):
            c.raw_lat[slot] = lat
            c.raw_lng[slot] = lng
            c.raw_at_s[slot] = at_s
            return False
        _check(lat, lng)
        north, east = lat - c.raw_lat[slot], lng - c.raw_lng[slot]
        c.raw_lat[slot], c.raw_lng[slot], c.raw_at_s[slot] = lat, lng, at_s
        if self._adrift is not None and self._adrift[0] != slot:
            self._lay_adrift()
        self._adrift = slot, north, east
        return True

    def move_many(self, keys: Sequence[int] | Keys, lats: Floats, lngs: Floats, ats: Floats) -> int:
        """Many positions at once; a key that comes twice ends where the last says. Unknown keys are passed
        over. Returns how many boxes were laid anew; raises ValueError, before anything changed, if one is out
        of range."""
        if not (np.all(np.abs(lats) <= 90.0) and np.all(np.abs(lngs) <= 180.0)):
            raise ValueError("a position is out of range")
        slots = self._places.find_many(keys)
        if slots.size and slots.min() == NONE:
            known = slots != NONE
            slots, lats, lngs, ats = slots[known], lats[known], lngs[known], ats[known]
        c = self._columns
        norths, easts = -c.lat[slots], -c.lng[slots]
        c.lat[slots], c.lng[slots], c.at_s[slots] = lats, lngs, ats
        left = np.abs(c.lng[slots] - c.anchor_lng[slots]) > c.half_lng[slots]
        left |= np.abs(c.lat[slots] - c.anchor_lat[slots]) > c.half_lat[slots]
        gone, first = np.unique(slots[left], return_index=True)
        norths, easts = norths[left][first] + c.lat[gone], easts[left][first] + c.lng[gone]
        for slot, north, east in zip(gone.tolist(), norths.tolist(), easts.tolist(), strict=True):
            self._reinsert(slot, north, east)
        return len(gone)

    def set_attributes(
        self, key: int, *, skills: int | None = None, tiers: int | None = None,
        available: bool | None = None, rating: float | None = None,
    ) -> None:  # fmt: skip
        """Changes what is given; a rating of NaN means unrated. Raises KeyError for an unknown key."""
        slot = self._places.find(key)
        if slot == NONE:
            raise KeyError(key)
        _check(0.0, 0.0, skills or 0, tiers or 0)
        c = self._columns
        before = self._tree_bits(slot)
        if skills is not None:
            c.raw_skills[slot] = skills
        if tiers is not None:
            c.raw_tiers[slot] = tiers
        if available is not None:
            c.raw_available[slot] = available
        if rating is not None:
            self._rate(slot, rating)
        after = self._tree_bits(slot)
        if before != after:
            box = c.box(slot)
            for tree in self._skill_trees.of(before & ~after):
                tree.delete(slot, box)
            for tree in self._skill_trees.of(after & ~before):
                tree.insert(slot, box)

    def remove(self, key: int) -> bool:
        """Forgets `key`; False when it was not there."""
        slot = self._places.pop(key)
        if slot == NONE:
            return False
        if self._adrift is not None and self._adrift[0] == slot:
            self._adrift = None
        box = self._columns.box(slot)
        self._everybody.delete(slot, box)
        for tree in self._skill_trees.of(self._tree_bits(slot)):
            tree.delete(slot, box)
        self._columns.give_slot(slot)
        return True

    # ------------------------------------------------------------------ reading

    def position(self, key: int) -> Spot | None:
        """The last position, exact; None for an unknown key."""
        slot = self._places.find(key)
        if slot == NONE:
            return None
        c = self._columns
        return Spot(c.raw_lat[slot], c.raw_lng[slot], c.raw_at_s[slot])

    def within(self, lat: float, lng: float, radius_m: float, limit: int | None = None) -> Hits:
        """Everybody within the radius, available or not, nearest first."""
        _check(lat, lng)
        self._lay_adrift()
        slots = _touching([self._everybody], lat, lng, radius_m)
        return self._nearest(lat, lng, radius_m, slots, limit, None)

    def in_box(self, south: float, west: float, north: float, east: float) -> Keys:
        """Everybody in a map's view, in no order; `west` > `east` means that it crosses the antimeridian."""
        if not (valid_position(south, west) and valid_position(north, east) and south <= north):
            raise ValueError("not a box of degrees")
        self._lay_adrift()
        parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        found = []
        c = self._columns
        for left, right in parts:
            slots = self._everybody.intersecting(Box(south, left, north, right))
            lats, lngs = c.lat[slots], c.lng[slots]
            inside = (lats >= south) & (lats <= north) & (lngs >= left) & (lngs <= right)
            found.append(c.key[slots[inside]])
        return np.unique(np.concatenate(found))

    def match(
        self, lat: float, lng: float, radius_m: float, *,
        skill_mask: int = 0, tier_mask: int = 0, min_rating: float = 0.0, fresh_after_s: float | None = None,
        available_only: bool = True, limit: int | None = 10, weights: Weights | None = None,
    ) -> Hits:  # fmt: skip
        """The best `limit` within the radius who have every bit of both masks, a rating of at least
        `min_rating` (unrated counts as 4.0) and a fix not older than `fresh_after_s`. Nearest first, or by
        score if weighted."""
        _check(lat, lng, skill_mask, tier_mask)
        self._lay_adrift()
        c = self._columns
        needs_rating = min_rating > 0.0
        if available_only and skill_mask:
            trees = self._skill_trees.fewest(skill_mask, min_rating)
            slots = _touching(trees, lat, lng, radius_m)
            needs_skills = skill_mask & (skill_mask - 1) != 0
            # The trees that it is asked of hold nobody else.
            needs_rating &= min_rating != WELL_RATED
        else:
            slots = _touching([self._everybody], lat, lng, radius_m)
            needs_skills = skill_mask != 0
            if available_only:
                slots = slots[c.available.take(slots) != 0]
        if needs_skills:
            mask = np.uint64(skill_mask)
            slots = slots[c.skills.take(slots) & mask == mask]
        if tier_mask:
            bits = np.uint32(tier_mask)
            slots = slots[c.tiers.take(slots) & bits == bits]
        if needs_rating:
            slots = slots[c.merit.take(slots) >= min_rating]
        if fresh_after_s is not None:
            slots = slots[c.at_s.take(slots) >= fresh_after_s]
        return self._nearest(lat, lng, radius_m, slots, limit, weights)

    def around(
        self, lat: float, lng: float, radius_m: float, *,
        skill_mask: int = 0, tier_mask: int = 0, min_rating: float = 0.0, available_only: bool = True,
        wanted: int, others: int, others_m: float,
    ) -> Around:  # fmt: skip
        """The nearest `wanted` of `match`'s answer, and of the same hits the nearest `others` that it leaves out,
        those up to `others_m` away included. A crowded place is not looked through: the circle grows only while it
        holds too few who would do."""
        _check(lat, lng, skill_mask, tier_mask)
        self._lay_adrift()
        c, most_m = self._columns, max(radius_m, others_m)
        circle_m = min(self._circle_m, most_m)
        while True:
            slots = _touching([self._everybody], lat, lng, circle_m)
            squares = chord_squares(lat, lng, c.lat.take(slots), c.lng.take(slots))
            inside = (squares <= chord_square_of(circle_m)).nonzero()[0]
            slots, squares = slots.take(inside), squares.take(inside)
            fits = self._fits(slots, skill_mask, tier_mask, min_rating, available_only)
            fits &= squares <= chord_square_of(radius_m)
            if circle_m >= most_m or np.count_nonzero(fits) >= wanted:
                break
            circle_m = min(2.0 * circle_m, most_m)
        fit = self._first(slots[fits], squares[fits], wanted)
        # The answer is that of the smallest circle that suffices, whatever somebody else was answered before.
        if wanted and fit.keys.size == wanted:
            enough_m = FIRST_CIRCLE_M
            while enough_m < fit.distances_m.item(-1):
                enough_m *= 2.0
            circle_m = min(enough_m, most_m)
        self._circle_m = max(FIRST_CIRCLE_M, circle_m)
        beyond = chord_square_of(circle_m)
        return Around(fit, self._first(slots[~fits], squares[~fits], others, beyond))

    # ------------------------------------------------------------------ inside

    def _fits(
        self, slots: Slots, skill_mask: int, tier_mask: int, min_rating: float, available_only: bool
    ) -> NDArray[np.bool_]:
        """Which of the slots a match would take, wherever they are."""
        c, mask, bits = self._columns, np.uint64(skill_mask), np.uint32(tier_mask)
        fits: NDArray[np.bool_] = (c.skills.take(slots) & mask == mask) & (c.tiers.take(slots) & bits == bits)
        if min_rating > 0.0:
            fits &= c.merit.take(slots) >= min_rating
        if available_only:
            fits &= c.available.take(slots) != 0
        return fits

    def _first(self, slots: Slots, squares: Floats, limit: int | None, most: float = 1.0) -> Hits:
        """The nearest of them, up to that chord. It orders as the distance does; colleagues share a base: the key
        settles ties."""
        keys = self._columns.key[slots]
        order = np.lexsort((keys, squares))[:limit]
        squares = squares[order]
        # Who is beyond stands at the end: cheaper to cut off there than to look for among all.
        if squares.size and squares.item(-1) > most:
            inside = squares.searchsorted(most, "right")
            order, squares = order[:inside], squares[:inside]
        return Hits(keys[order], chord_to_m(squares))

    def _nearest(
        self,
        lat: float,
        lng: float,
        radius_m: float,
        slots: Slots,
        limit: int | None,
        weights: Weights | None,
    ) -> Hits:
        if not slots.size:
            return _NOBODY
        c, most = self._columns, chord_square_of(radius_m)
        squares = chord_squares(lat, lng, c.lat[slots], c.lng[slots])
        if weights is None:
            return self._first(slots, squares, limit, most)
        inside = (squares <= most).nonzero()[0]
        slots, squares = slots.take(inside), squares.take(inside)
        keys = c.key.take(slots)
        distances = chord_to_m(squares)
        score = distances * (-weights.distance / max(radius_m, 1e-9))
        if weights.rating:
            score += c.merit.take(slots) * (weights.rating / 5.0)
        order = np.lexsort((keys, -score))[:limit]
        return Hits(keys.take(order), distances.take(order))

    def _rate(self, slot: int, rating: float) -> None:
        self._columns.raw_merit[slot] = UNRATED_COUNTS_AS if math.isnan(rating) else rating

    def _tree_bits(self, slot: int) -> int:
        """The places of the skill trees that hold the slot, as a mask."""
        c = self._columns
        if not c.raw_available[slot]:
            return 0
        skills: int = c.raw_skills[slot]
        return skills if c.raw_merit[slot] >= WELL_RATED else skills << SKILL_BITS

    def _insert(self, slot: int) -> None:
        box = self._columns.box(slot)
        self._everybody.insert(slot, box)
        for tree in self._skill_trees.of(self._tree_bits(slot)):
            tree.insert(slot, box)

    def _lay_adrift(self) -> None:
        """Before anybody looks: every position is in its box."""
        if self._adrift is not None:
            (slot, north, east), self._adrift = self._adrift, None
            # They may have come back meanwhile.
            if not self._columns.is_in_box(slot):
                self._reinsert(slot, north, east)

    def _reinsert(self, slot: int, north: float, east: float) -> None:
        """A new box around the slot's position, which came so many degrees north and east with its last report."""
        c = self._columns
        before, lat, lng = c.box(slot), c.raw_lat[slot], c.raw_lng[slot]
        stride = math.hypot(north, east * math.cos(math.radians(lat)))
        half_lat = stride * REPORTS_IN_BOX / (1.0 + LEAD)
        ahead = (lat - c.raw_anchor_lat[slot]) / c.raw_half_lat[slot]
        aside = (lng - c.raw_anchor_lng[slot]) / c.raw_half_lng[slot]
        stretch = LEAD / math.hypot(ahead, aside)
        c.lay(
            slot, lat, lng, min(max(self._half_lat, half_lat), self._most_half_lat), ahead * stretch, aside * stretch
        )
        after = c.box(slot)
        self.reinserts += 1
        for tree in [self._everybody, *self._skill_trees.of(self._tree_bits(slot))]:
            tree.delete(slot, before)
            tree.insert(slot, after)


def _touching(trees: Sequence[BoxTree], lat: float, lng: float, radius_m: float) -> Slots:
    if not radius_m >= 0.0:
        raise ValueError(f"not a radius: {radius_m}")
    boxes = bounding_boxes(lat, lng, radius_m)
    if len(trees) == len(boxes) == 1:
        return trees[0].intersecting(boxes[0])
    if not trees:
        return _NOTHING
    found = np.concatenate([tree.intersecting(box) for tree in trees for box in boxes])
    return np.unique(found) if len(boxes) > 1 else found


def _check(lat: float, lng: float, skills: int = 0, tiers: int = 0) -> None:
    if not valid_position(lat, lng):
        raise ValueError(f"not a position: {lat}, {lng}")
    if not (0 <= skills < 1 << SKILL_BITS and 0 <= tiers < 1 << TIER_BITS):
        raise ValueError("a mask is wider than its column")
