"""Which slot a key has: a column by key, because keys are numbers that were given out one after the other."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

#: Keys from here on, and those below zero, stand in a dict. Four bytes for each key under it, where a dict of Python's
#: numbers takes a hundred and more; the column is as long as the highest key that came.
DENSE = 1 << 22
#: No slot.
NONE = -1


class Places:
    """Slots by key."""

    __slots__ = ("_count", "_far", "_near")

    def __init__(self) -> None:
        self._near = array("i")
        self._far: dict[int, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, key: int) -> int:
        """The slot of a key, or NONE."""
        near = self._near
        return near[key] if 0 <= key < len(near) else self._far.get(key, NONE)

    def find_many(self, keys: Sequence[int] | Numbers) -> Numbers:
        """The slots of many keys; NONE for each that is unknown."""
        wanted = np.asarray(keys, dtype=np.int64)
        near = np.frombuffer(self._near, dtype=np.int32)
        is_near = (wanted >= 0) & (wanted < len(near))
        if is_near.all():
            return near[wanted].astype(np.int64)
        slots = np.full(len(wanted), NONE, dtype=np.int64)
        slots[is_near] = near[wanted[is_near]]
        far = [self._far.get(key, NONE) for key in wanted[~is_near].tolist()]
        slots[~is_near] = far
        return slots

    def put(self, key: int, slot: int) -> None:
        """A key that has no slot gets this one."""
        if 0 <= key < DENSE:
            if key >= len(self._near):
                self._near.extend([NONE] * (min(key + 1 + key // 8, DENSE) - len(self._near)))
            self._near[key] = slot
        else:
            self._far[key] = slot
        self._count += 1

    def pop(self, key: int) -> int:
        """Forgets the key; its slot, or NONE when it had none."""
        slot = self.find(key)
        if slot == NONE:
            return NONE
        if 0 <= key < DENSE:
            self._near[key] = NONE
        else:
            del self._far[key]
        self._count -= 1
        return slot
