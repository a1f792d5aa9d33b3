"""The slow and obvious answers that the index has to equal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geo.geodesy import haversine_m

#: Positions this near to the rim may fall on either side of it by rounding.
RIM_M = 1e-6


@dataclass(slots=True)
class Person:
    lat: float
    lng: float
    at_s: float
    skills: int
    tiers: int
    available: bool
    rating: float


def brute_force_within(people: dict[int, Person], lat: float, lng: float, radius_m: float) -> list[tuple[float, int]]:
    """(distance, key) of everybody within the radius, nearest first."""
    found = ((haversine_m(lat, lng, p.lat, p.lng), key) for key, p in people.items())
    return sorted(pair for pair in found if pair[0] <= radius_m + RIM_M)


def brute_force_match(
    people: dict[int, Person], lat: float, lng: float, radius_m: float, *,
    skill_mask: int, tier_mask: int, min_rating: float, fresh_after_s: float, available_only: bool,
) -> list[tuple[float, int]]:  # fmt: skip
    """(distance, key) of those who pass every filter, nearest first."""
    return [
        (distance, key)
        for distance, key in brute_force_within(people, lat, lng, radius_m)
        if people[key].skills & skill_mask == skill_mask
        and people[key].tiers & tier_mask == tier_mask
        and (4.0 if math.isnan(people[key].rating) else people[key].rating) >= min_rating
        and people[key].at_s >= fresh_after_s
        and (people[key].available or not available_only)
    ]
