"""An R-tree of boxes by id: rtree's libspatialindex, called without rtree's cost per id."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray
from rtree import core, index

from geo.geodesy import Box

Ids = NDArray[np.int64]

#: Entries of a node. More make a split and a delete dear, fewer make the tree deep.
NODE_CAPACITY = 32
#: Also the limit under which a delete dissolves a node and reinserts the rest: the library's 0.7 makes a
#: delete cost a millisecond, 0.3 about ten microseconds.
FILL_FACTOR = 0.3
#: Of so many of a node's boxes the overlap counts when a place for a new one is chosen. With sixteen of them laying a
#: box costs a quarter more, and queries find no difference.
OVERLAP_FACTOR = 4

# rtree's own prototypes convert and check each argument in Python (about 4 us a call). These take plain
# addresses. PYFUNCTYPE keeps the GIL: a call lasts microseconds, and nobody else may touch the shared buffers
# meanwhile.
_INT, _SIZE, _POINTER = ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p
_intersects = ctypes.PYFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _SIZE, _POINTER, _POINTER)(
    ("Index_Intersects_id", core.rt)
)
_insert = ctypes.PYFUNCTYPE(_INT, _POINTER, ctypes.c_int64, _POINTER, _POINTER, _SIZE, _POINTER, _SIZE)(
    ("Index_InsertData", core.rt)
)
_delete = ctypes.PYFUNCTYPE(_INT, _POINTER, ctypes.c_int64, _POINTER, _POINTER, _SIZE)(("Index_DeleteData", core.rt))
_free = ctypes.PYFUNCTYPE(None, _POINTER)(("Index_Free", core.rt))

_NOTHING: Ids = np.empty(0, dtype=np.int64)


class TreeError(RuntimeError):
    """The spatial index library refused a call."""


class BoxTree:
    """Boxes by int64 id. It keeps no second copy of a box: whoever deletes names the box that was
    inserted."""

    def __init__(self) -> None:
        self._index = index.Index(
            properties=index.Property(
                dimension=2, variant=index.RT_Star, fill_factor=FILL_FACTOR, leaf_capacity=NODE_CAPACITY,
                index_capacity=NODE_CAPACITY, near_minimum_overlap_factor=OVERLAP_FACTOR,
            )
        )  # fmt: skip
        self._handle = self._index.handle._as_parameter_
        self._corners = (ctypes.c_double * 4)()
        self._low = ctypes.addressof(self._corners)
        self._high = self._low + 2 * ctypes.sizeof(ctypes.c_double)
        self._found = (ctypes.c_uint64 * 2)()
        self._ids_at = ctypes.addressof(self._found)
        self._count_at = self._ids_at + ctypes.sizeof(ctypes.c_uint64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def insert(self, id_: int, box: Box) -> None:
        corners = self._corners
        corners[1], corners[0], corners[3], corners[2] = box
        if _insert(self._handle, id_, self._low, self._high, 2, None, 0):
            raise TreeError(_reason())
        self._size += 1

    def delete(self, id_: int, box: Box) -> None:
        """`box` must be the very one that was inserted."""
        corners = self._corners
        corners[1], corners[0], corners[3], corners[2] = box
        if _delete(self._handle, id_, self._low, self._high, 2):
            raise TreeError(_reason())
        self._size -= 1

    def intersecting(self, box: Box) -> Ids:
        """The ids of all boxes that touch `box`, in no order."""
        if not self._size:
            return _NOTHING
        corners, found = self._corners, self._found
        corners[1], corners[0], corners[3], corners[2] = box
        found[0] = found[1] = 0
        if _intersects(self._handle, self._low, self._high, 2, self._ids_at, self._count_at):
            raise TreeError(_reason())
        address, count = found
        try:
            return np.frombuffer(ctypes.string_at(address, count * 8), dtype=np.int64) if count else _NOTHING
        finally:
            _free(address)


def _reason() -> str:
    message = str(core.rt.Error_GetLastErrorMsg().decode())
    core.rt.Error_Reset()
    return message
