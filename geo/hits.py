"""What is asked of the fleet and what is found: keys with their distances, a last position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hits:
    """The found keys, best first, with their exact great-circle distances."""

    keys: Keys
    distances_m: Floats

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Around:
    """Who is around a place, nearest first: those who would do, and of the very same hits those who would not."""

    fit: Hits
    others: Hits


@dataclass(frozen=True, slots=True)
class Weights:
    """Score = distance * (1 - metres / radius) + rating * (stars / 5); more is better, ties go to the lower
    key."""

    distance: float = 1.0
    rating: float = 0.0


class Spot(NamedTuple):
    """A last known position: degrees, and the time of its fix in unix seconds."""

    lat: float
    lng: float
    at_s: float
