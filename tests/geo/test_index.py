"""The fleet's index equals brute force through moves, changes and removals, everywhere on the globe."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from geo.geodesy import chord_square_of, chord_squares, chord_to_m, destination, haversine_m
from geo.hits import Hits, Spot, Weights
from geo.index import FleetIndex
from tests.geo.brute import RIM_M, Person, brute_force_match, brute_force_within

CITY = (22.5726, 88.3639)


def assert_same(hits: Hits, expected: list[tuple[float, int]], radius_m: float) -> None:
    """The same keys in the same order, but for ties and the very rim."""
    certain = {key for distance, key in expected if distance <= radius_m - RIM_M}
    assert certain <= set(hits.keys.tolist()) <= {key for _, key in expected}
    by_key = {key: distance for distance, key in expected}
    # A chord near the antipodes is rounded to decimetres, one near by to nanometres.
    for key, distance in zip(hits.keys.tolist(), hits.distances_m.tolist(), strict=True):
        assert distance == pytest.approx(by_key[key], abs=1e-5, rel=1e-7)
    assert np.all(np.diff(hits.distances_m) >= 0)


class Crowd:
    """An index and its plain twin, changed in step by a seeded hand."""

    def __init__(self, seed: int, middle: tuple[float, float], spread_m: float) -> None:
        self.rng = random.Random(seed)
        self.index = FleetIndex()
        self.people: dict[int, Person] = {}
        self.middle, self.spread_m = middle, spread_m

    def place(self) -> tuple[float, float]:
        return destination(*self.middle, self.rng.uniform(0, 360), self.spread_m * math.sqrt(self.rng.random()))

    def rating(self) -> float:
        return self.rng.choice([math.nan, 4.0, 3.5, 4.5, 5.0])

    def put(self) -> None:
        rng = self.rng
        key = rng.randrange(10**12) if rng.random() < 0.7 or not self.people else rng.choice(list(self.people))
        person = Person(
            *self.place(), rng.uniform(0, 100), rng.getrandbits(3) | rng.getrandbits(1) << 63,
            rng.getrandbits(2), rng.random() < 0.6, self.rating(),
        )  # fmt: skip
        self.people[key] = person
        self.index.put(
            key, person.lat, person.lng, person.at_s, skills=person.skills, tiers=person.tiers,
            available=person.available, rating=person.rating,
        )  # fmt: skip

    def move(self) -> None:
        key = self.rng.choice(list(self.people))
        person = self.people[key]
        metres = self.rng.choice([3.0, 12.0, 200.0, 700.0, self.spread_m])
        person.lat, person.lng = destination(person.lat, person.lng, self.rng.uniform(0, 360), metres)
        person.at_s += 1
        self.index.move(key, person.lat, person.lng, person.at_s)

    def move_many(self) -> None:
        keys = self.rng.choices(list(self.people), k=10)
        places = [self.place() for _ in keys]
        for key, (lat, lng) in zip(keys, places, strict=True):
            self.people[key].lat, self.people[key].lng, self.people[key].at_s = lat, lng, 50.0
        lats, lngs = np.array(places).T
        self.index.move_many([*keys, -5], np.append(lats, 0.0), np.append(lngs, 0.0), np.full(11, 50.0))

    def change(self) -> None:
        key = self.rng.choice(list(self.people))
        person = self.people[key]
        match self.rng.randrange(4):
            case 0:
                person.available = not person.available
                self.index.set_attributes(key, available=person.available)
            case 1:
                person.skills = self.rng.getrandbits(3)
                self.index.set_attributes(key, skills=person.skills)
            case 2:
                person.tiers = self.rng.getrandbits(2)
                self.index.set_attributes(key, tiers=person.tiers)
            case _:
                person.rating = self.rating()
                self.index.set_attributes(key, rating=person.rating)

    def remove(self) -> None:
        key = self.rng.choice(list(self.people))
        del self.people[key]
        assert self.index.remove(key)
        assert not self.index.remove(key)

    def live(self, steps: int) -> None:
        acts = [self.put, self.move, self.move, self.move_many, self.change, self.remove]
        for _ in range(steps):
            (self.rng.choice(acts) if len(self.people) > 3 else self.put)()
        assert len(self.index) == len(self.people)

    def check(self) -> None:
        rng = self.rng
        lat, lng = self.place()
        radius_m = rng.choice([0.0, 500.0, self.spread_m / 2, self.spread_m * 3])
        expected = brute_force_within(self.people, lat, lng, radius_m)
        assert_same(self.index.within(lat, lng, radius_m), expected, radius_m)
        skill_mask = rng.choice([0, 1, 2, 4, 5, 7, 1 << 63])
        tier_mask, min_rating = rng.choice([0, 0, 1, 3]), rng.choice([0.0, 3.7, 4.0, 4.5])
        fresh_after_s, available_only = rng.choice([0.0, 50.0]), rng.random() < 0.7
        found = self.index.match(
            lat, lng, radius_m, skill_mask=skill_mask, tier_mask=tier_mask, min_rating=min_rating,
            fresh_after_s=fresh_after_s, available_only=available_only, limit=None,
        )  # fmt: skip
        wanted = brute_force_match(
            self.people, lat, lng, radius_m, skill_mask=skill_mask, tier_mask=tier_mask,
            min_rating=min_rating, fresh_after_s=fresh_after_s, available_only=available_only,
        )  # fmt: skip
        assert_same(found, wanted, radius_m)
        self.check_around(lat, lng, radius_m, skill_mask, tier_mask, min_rating, available_only)

    def check_around(
        self, lat: float, lng: float, radius_m: float, skills: int, tiers: int, rating: float, available: bool
    ) -> None:
        """The nearest that fit are those of a match; the others are the nearest of the rest, as far as was looked."""
        index, most = self.index, self.rng.choice([1, 3, 40])
        found = index.around(
            lat, lng, radius_m, skill_mask=skills, tier_mask=tiers, min_rating=rating, available_only=available,
            wanted=most, others=3, others_m=1.5 * radius_m,
        )  # fmt: skip
        fit = index.match(
            lat, lng, radius_m, skill_mask=skills, tier_mask=tiers, min_rating=rating, available_only=available,
            limit=None,
        ).keys.tolist()  # fmt: skip
        assert found.fit.keys.tolist() == fit[:most]
        rest = [key for key in index.within(lat, lng, 1.5 * radius_m).keys.tolist() if key not in set(fit)]
        assert found.others.keys.tolist() == rest[: len(found.others)]
        if len(fit) < most:
            assert len(found.others) == min(3, len(rest))


@pytest.mark.parametrize(
    ("middle", "spread_m"),
    [
        (CITY, 5_000.0),
        ((0.0, 180.0), 5_000.0),
        ((-17.0, -179.99), 20_000.0),
        ((70.0, 179.999), 3_000.0),
        ((89.99, 0.0), 5_000.0),
        ((-90.0, 0.0), 50_000.0),
        ((10.0, 10.0), 15_000_000.0),
    ],
    ids=["city", "antimeridian", "fiji", "arctic", "north_pole", "south_pole", "whole_earth"],
)
@pytest.mark.parametrize("seed", range(3))
def test_equals_brute_force(middle: tuple[float, float], spread_m: float, seed: int) -> None:
    crowd = Crowd(seed, middle, spread_m)
    for _ in range(30):
        crowd.live(60)
        crowd.check()
    for key, person in crowd.people.items():
        assert crowd.index.position(key) == Spot(person.lat, person.lng, person.at_s)


def test_a_small_move_costs_the_tree_nothing() -> None:
    index = FleetIndex()
    index.put(1, *CITY, 0.0)
    assert not index.move(1, *destination(*CITY, 90, 200), 1.0)
    assert index.move(1, *destination(*CITY, 90, 300), 2.0)
    assert index.within(*destination(*CITY, 90, 300), 1.0).keys.tolist() == [1]
    assert index.reinserts == 1
    # The new box lies ahead: going on eastwards stays in it for longer than one slack.
    assert not index.move(1, *destination(*CITY, 90, 650), 3.0)
    assert index.position(1) == Spot(*destination(*CITY, 90, 650), 3.0)


def test_who_leaves_again_and_again_is_laid_once() -> None:
    """A phone that was away sends what it has in one go, frame by frame."""
    index = FleetIndex()
    for key in (1, 2):
        index.put(key, *CITY, 0.0, skills=key)
    for step in range(1, 6):
        assert index.move(1, *destination(*CITY, 90, 600.0 * step), float(step))
    assert index.reinserts == 0
    index.set_attributes(1, skills=4)
    there = destination(*CITY, 90, 3_000)
    assert index.match(*there, 1.0, skill_mask=4).keys.tolist() == [1] == index.within(*there, 1.0).keys.tolist()
    assert index.reinserts == 1
    # Whoever leaves next is not waited with for others.
    assert index.move(1, *CITY, 6.0) and index.move(2, *there, 6.0)
    assert index.reinserts == 2
    assert index.around(*there, 10.0, skill_mask=2, wanted=1, others=1, others_m=10.0).fit.keys.tolist() == [2]
    assert index.in_box(CITY[0] - 0.001, CITY[1] - 0.001, CITY[0] + 0.001, CITY[1] + 0.001).tolist() == [1]
    # And one who comes back, or is forgotten, has none to be laid.
    assert index.move(1, *there, 7.0) and not index.move(1, *CITY, 8.0)
    assert index.within(*CITY, 1.0).keys.tolist() == [1]
    assert index.move(2, *CITY, 8.0) and index.remove(2)
    index.put(3, *there, 9.0)
    assert (index.within(*CITY, 1.0).keys.tolist(), index.within(*there, 1.0).keys.tolist()) == ([1], [3])
    assert index.reinserts == 3


@pytest.mark.parametrize("by", ["one", "many"])
def test_who_reports_rarely_gets_a_wider_box_and_loses_it_again(by: str) -> None:
    """On one straight road: fifty fixes of 12 m come as one move of 600 m, later the same phone sends each fix."""
    index, at_m, moves = FleetIndex(), 0.0, 0

    def drive(metres: float, times: int) -> int:
        nonlocal at_m, moves
        before = index.reinserts
        for _ in range(times):
            at_m, moves = at_m + metres, moves + 1
            lat, lng = destination(*CITY, 45, at_m)
            if by == "one":
                index.move(1, lat, lng, float(moves))
            else:
                index.move_many([1], np.array([lat]), np.array([lng]), np.array([float(moves)]))
            assert index.within(lat, lng, 1.0).keys.tolist() == [1]
            assert index.match(lat, lng, 1.0, skill_mask=1).keys.tolist() == [1]
        return index.reinserts - before

    index.put(1, *CITY, 0.0, skills=1)
    assert drive(600.0, 30) <= 15
    assert drive(120.0, 50) <= 10
    # What it was wide for is over: every fix is reported, and queries have the usual box.
    drive(12.0, 200)
    assert drive(12.0, 330) >= 8
    assert index.within(*destination(*CITY, 45, at_m - 1_300.0), 500.0).keys.tolist() == []
    assert index.remove(1)


def test_move_many_takes_the_last_and_passes_over_strangers() -> None:
    index = FleetIndex()
    index.put(1, *CITY, 0.0)
    far = destination(*CITY, 0, 10_000)
    lats, lngs = np.array([far[0], CITY[0], 1.0]), np.array([far[1], CITY[1], 1.0])
    assert index.move_many(np.array([1, 1, 2]), lats, lngs, np.array([1.0, 2.0, 3.0])) == 0
    assert index.position(1) == Spot(*CITY, 2.0)
    assert 2 not in index
    assert index.move_many([], np.empty(0), np.empty(0), np.empty(0)) == 0


@pytest.mark.parametrize("bad", [(math.nan, 0.0), (91.0, 0.0), (0.0, 180.5), (0.0, math.inf)])
def test_bad_positions_change_nothing(bad: tuple[float, float]) -> None:
    index = FleetIndex()
    index.put(1, 0.0, 179.999, 0.0)
    with pytest.raises(ValueError, match="position"):
        index.put(1, *bad, 1.0)
    with pytest.raises(ValueError, match="position"):
        index.put(2, *bad, 1.0)
    with pytest.raises(ValueError, match="position"):
        index.move(1, *bad, 1.0)
    with pytest.raises(ValueError, match="position"):
        index.move_many([1], np.array([bad[0]]), np.array([bad[1]]), np.array([1.0]))
    with pytest.raises(ValueError, match="position"):
        index.within(*bad, 100.0)
    assert index.position(1) == Spot(0.0, 179.999, 0.0)
    assert len(index) == 1


def test_a_step_beyond_the_antimeridian_is_refused_even_inside_the_slack() -> None:
    index = FleetIndex()
    index.put(1, 0.0, 179.9999, 0.0)
    with pytest.raises(ValueError, match="position"):
        index.move(1, 0.0, 180.0001, 1.0)
    assert index.move(1, 0.0, -179.9999, 1.0)
    assert index.within(0.0, 180.0, 100.0).keys.tolist() == [1]


def test_a_teleport_to_another_latitude_stays_findable() -> None:
    index = FleetIndex()
    index.put(1, 89.0, 0.0, 0.0, skills=1)
    for lat, lng in [(0.0, 3.0), (85.0, -170.0), (-89.9, 10.0), (0.0, 0.001)]:
        assert index.move(1, lat, lng, 1.0)
        assert index.match(lat, lng, 10.0, skill_mask=1).keys.tolist() == [1]


def test_unknown_keys() -> None:
    index = FleetIndex()
    with pytest.raises(KeyError):
        index.move(1, 0.0, 0.0, 0.0)
    with pytest.raises(KeyError):
        index.set_attributes(1, available=True)
    assert index.position(1) is None
    assert not index.remove(1)


def test_who_stands_on_the_circle_is_inside() -> None:
    """People whose distance and the haversine term of it turn into each other without a rest."""
    rng, found = random.Random(4), 0
    while found < 5:
        lat, lng = destination(22.5, 88.3, rng.uniform(0, 360), rng.uniform(100, 9_000))
        [square] = chord_squares(22.5, 88.3, np.array([lat]), np.array([lng]))
        radius_m = float(chord_to_m(np.array([square]))[0])
        if chord_square_of(radius_m) != square:
            continue
        found += 1
        index = FleetIndex()
        index.put(1, lat, lng, 0.0, skills=1, tiers=1, available=True)
        assert index.within(22.5, 88.3, radius_m).keys.tolist() == [1]
        assert index.match(22.5, 88.3, radius_m, skill_mask=1).keys.tolist() == [1]
        around = index.around(22.5, 88.3, radius_m, skill_mask=1, wanted=1, others=1, others_m=radius_m)
        assert (around.fit.keys.tolist(), around.others.keys.tolist()) == ([1], [])


def test_wide_masks_and_bad_radii_are_refused() -> None:
    index = FleetIndex()
    with pytest.raises(ValueError, match="wider"):
        index.put(1, 0.0, 0.0, 0.0, skills=1 << 64)
    with pytest.raises(ValueError, match="wider"):
        index.put(1, 0.0, 0.0, 0.0, tiers=1 << 32)
    with pytest.raises(ValueError, match="radius"):
        index.within(0.0, 0.0, -1.0)
    with pytest.raises(ValueError, match="radius"):
        index.within(0.0, 0.0, math.nan)
    with pytest.raises(ValueError, match="slack"):
        FleetIndex(0.0)
    assert len(index) == 0


def test_ties_go_to_the_lower_key_and_limits_hold() -> None:
    index = FleetIndex()
    for key in (9, 3, 7, 1):
        index.put(key, *CITY, 0.0, skills=1)
    assert index.match(*CITY, 100.0, skill_mask=1).keys.tolist() == [1, 3, 7, 9]
    assert index.match(*CITY, 100.0, skill_mask=1, limit=2).keys.tolist() == [1, 3]
    assert index.within(*CITY, 100.0, limit=3).keys.tolist() == [1, 3, 7]


def test_weights_trade_metres_for_stars() -> None:
    index = FleetIndex()
    index.put(1, *destination(*CITY, 0, 1_000), 0.0, skills=1, rating=4.0)
    index.put(2, *destination(*CITY, 0, 1_500), 0.0, skills=1, rating=5.0)
    plain = index.match(*CITY, 5_000, skill_mask=1)
    stars = index.match(*CITY, 5_000, skill_mask=1, weights=Weights(distance=1.0, rating=1.0))
    assert plain.keys.tolist() == [1, 2]
    assert stars.keys.tolist() == [2, 1]
    assert stars.distances_m[0] == pytest.approx(1_500)


def test_unrated_counts_as_four() -> None:
    index = FleetIndex()
    index.put(1, *CITY, 0.0, skills=1)
    assert len(index.match(*CITY, 10.0, skill_mask=1, min_rating=4.0)) == 1
    assert len(index.match(*CITY, 10.0, skill_mask=1, min_rating=4.1)) == 0
    index.set_attributes(1, rating=3.9)
    assert len(index.match(*CITY, 10.0, skill_mask=1, min_rating=4.0)) == 0
    assert len(index.match(*CITY, 10.0, skill_mask=1, min_rating=3.5)) == 1


def test_in_box_across_the_antimeridian() -> None:
    index = FleetIndex()
    for key, lng in enumerate([179.5, -179.5, 178.0, 0.0]):
        index.put(key, 0.0, lng, 0.0)
    assert index.in_box(-1, 179, 1, -179).tolist() == [0, 1]
    assert index.in_box(-1, -1, 1, 179.7).tolist() == [0, 2, 3]
    with pytest.raises(ValueError, match="box"):
        index.in_box(1, 0, -1, 1)


def test_distances_are_great_circle() -> None:
    index = FleetIndex()
    there = destination(*CITY, 33, 4_321)
    index.put(1, *there, 0.0)
    assert index.within(*CITY, 5_000).distances_m[0] == pytest.approx(haversine_m(*CITY, *there), abs=1e-6)


#: In the middle of a city, on the equator, on both sides of the antimeridian and near both poles.
EVERYWHERE = [CITY, (0.0, 0.0), (-33.45, -70.66), (-17.8, 179.9995), (52.0, -179.9995), (89.95, 10.0), (-89.95, -120.0)]
#: Within the slack of a box, just beyond it on either side, and far.
STEPS_M = [90.0, 249.0, 251.0, 400.0, 6_000.0]


@pytest.mark.parametrize("start", EVERYWHERE)
@pytest.mark.parametrize("bearing", [0.0, 90.0, 180.0, 270.0])
@pytest.mark.parametrize("by", ["one", "many"])
def test_moves_in_all_four_directions(start: tuple[float, float], bearing: float, by: str) -> None:
    """Whoever moves is found where they are now and no longer where they were, however far and whichever way."""
    index = FleetIndex()
    index.put(7, *destination(*start, 45, 30_000), 1.0, available=True)
    for n, metres in enumerate(STEPS_M, start=10):
        index.put(n, *start, 1.0, available=True)
        here = start
        # Twice, so that a box that was laid anew is left again on the same side.
        for leg in range(2):
            there = destination(*here, bearing, metres)
            if by == "one":
                index.move(n, *there, 2.0 + leg)
            else:
                index.move_many([n], np.array([there[0]]), np.array([there[1]]), np.array([2.0 + leg]))
            assert index.within(*there, 1.0).keys.tolist() == [n]
            assert index.match(*there, 1.0, skill_mask=0, tier_mask=0).keys.tolist() == [n]
            assert index.within(*here, metres - 1.0).keys.tolist() == []
            spot = index.position(n)
            assert spot is not None and haversine_m(spot.lat, spot.lng, *there) < 1e-3
            here = there
        assert index.remove(n)


@pytest.mark.parametrize("lng", [179.9995, -179.9995])
@pytest.mark.parametrize("bearing", [90.0, 270.0])
def test_over_the_antimeridian_and_back(lng: float, bearing: float) -> None:
    index, start = FleetIndex(), (-17.8, lng)
    index.put(1, *start, 1.0)
    for n, way in enumerate((bearing, (bearing + 180) % 360, (bearing + 180) % 360, bearing)):
        start = destination(*start, way, 120.0)
        index.move(1, *start, 2.0 + n)
        assert index.within(*start, 1.0).keys.tolist() == [1]
        assert index.within(-17.8, 180.0, 500.0).keys.tolist() == [1]
        assert index.within(-17.8, -180.0, 500.0).keys.tolist() == [1]


def test_the_answer_is_the_same_whatever_was_asked_before() -> None:
    """A crowd in one place and few in another: where the looking begins does not show in what is found."""
    rng = random.Random(7)
    people = []
    for key in range(400):
        spread = 0.01 if key % 2 else 0.4
        people.append((key, 22.5 + rng.uniform(-spread, spread), 88.3 + rng.uniform(-spread, spread)))

    def city() -> FleetIndex:
        index = FleetIndex()
        for key, lat, lng in people:
            index.put(key, lat, lng, 0.0, skills=1 + key % 3, available=True)
        return index

    def found(index: FleetIndex, off: float, wanted: int) -> tuple[list[int], list[int]]:
        around = index.around(22.5 + off, 88.3, 30_000.0, skill_mask=1, wanted=wanted, others=9, others_m=40_000.0)
        return around.fit.keys.tolist(), around.others.keys.tolist()

    asked = city()
    for off in (0.0, 0.3, 0.0, 0.02, 0.4, 0.01):
        for wanted in (1, 20, 300):
            assert found(asked, off, wanted) == found(city(), off, wanted)
