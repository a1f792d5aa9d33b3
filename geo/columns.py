"""The columns of the fleet: one dense slot per key, read singly by moves and as numpy arrays by queries."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.geodesy import Box

#: Name -> type code of the array module. The numpy view has the same code.
LAYOUT = {
    "key": "q",
    "lat": "d",
    "lng": "d",
    "at_s": "d",
    "anchor_lat": "d",
    "anchor_lng": "d",
    "half_lat": "f",
    "half_lng": "f",
    "skills": "Q",
    "tiers": "I",
    "merit": "f",
    "available": "B",
}


class Columns:
    """Equally long columns that grow by a quarter when full. `raw_*` are `array.array`s (a single read costs a
    third of numpy's), the plain names are numpy views of the same bytes. Views change when it grows: don't
    keep them."""

    key: NDArray[np.int64]
    lat: NDArray[np.float64]
    lng: NDArray[np.float64]
    at_s: NDArray[np.float64]
    anchor_lat: NDArray[np.float64]
    anchor_lng: NDArray[np.float64]
    half_lat: NDArray[np.float32]
    half_lng: NDArray[np.float32]
    skills: NDArray[np.uint64]
    tiers: NDArray[np.uint32]
    merit: NDArray[np.float32]
    available: NDArray[np.uint8]

    def __init__(self, capacity: int = 1024) -> None:
        self.raw_key = self.raw_skills = self.raw_tiers = self.raw_available = array("q")
        self.raw_lat = self.raw_lng = self.raw_at_s = array("d")
        self.raw_anchor_lat = self.raw_anchor_lng = array("d")
        self.raw_half_lat = self.raw_half_lng = self.raw_merit = array("f")
        self.capacity = 0
        #: How many slots were ever taken, and those of them that were given back.
        self._taken = 0
        self._free = array("i")
        self._grow(capacity)

    def take_slot(self) -> int:
        """A slot that nobody uses."""
        if self._free:
            return self._free.pop()
        if self._taken == self.capacity:
            self._grow(self.capacity + self.capacity // 4 + 1)
        self._taken += 1
        return self._taken - 1

    def give_slot(self, slot: int) -> None:
        """The slot may be taken again; nothing may point to it any more."""
        self._free.append(slot)

    def box(self, slot: int) -> Box:
        """The slot's box, always from the same four numbers: a delete has to name what was inserted."""
        lat, lng, half_lat, half_lng = (
            self.raw_anchor_lat[slot], self.raw_anchor_lng[slot], self.raw_half_lat[slot], self.raw_half_lng[slot],
        )  # fmt: skip
        return Box(lat - half_lat, lng - half_lng, lat + half_lat, lng + half_lng)

    def is_in_box(self, slot: int) -> bool:
        """Whether the slot's position is where its box says."""
        return (
            abs(self.raw_lng[slot] - self.raw_anchor_lng[slot]) <= self.raw_half_lng[slot]
            and abs(self.raw_lat[slot] - self.raw_anchor_lat[slot]) <= self.raw_half_lat[slot]
        )

    def lay(self, slot: int, lat: float, lng: float, half_lat: float, north: float = 0.0, east: float = 0.0) -> None:
        """Sets the box that holds the position, its middle shifted by shares (under 1) of its half sides. It
        stays within the degrees that exist: so a position in it is valid, and who crosses the antimeridian
        leaves it."""
        self.raw_half_lat[slot] = half_lat
        self.raw_half_lng[slot] = min(half_lat / max(math.cos(math.radians(lat)), 1e-9), 180.0)
        # As the columns hold them, which is not as exactly as they were computed.
        half_lat, half_lng = self.raw_half_lat[slot], self.raw_half_lng[slot]
        self.raw_anchor_lat[slot] = max(half_lat - 90.0, min(90.0 - half_lat, lat + north * half_lat))
        self.raw_anchor_lng[slot] = max(half_lng - 180.0, min(180.0 - half_lng, lng + east * half_lng))

    def _grow(self, capacity: int) -> None:
        for name, code in LAYOUT.items():
            raw: array[Any] = array(code, (0,)) * capacity
            view = np.frombuffer(raw, dtype=np.dtype(code))
            if self.capacity:
                view[: self.capacity] = getattr(self, name)
            setattr(self, f"raw_{name}", raw)
            setattr(self, name, view)
        self.capacity = capacity
