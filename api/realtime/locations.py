"""The location frame as msgspec reads it: the fast twin of events.LocationReport, which explains mistakes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.realtime.events import MAX_FIXES, MAX_T_MS

#: t_ms, lat, lng, accuracy_m, speed_mps, heading_deg
FixRow = tuple[
    Annotated[int, Meta(ge=0, le=MAX_T_MS)],
    Annotated[float, Meta(ge=-90, le=90)],
    Annotated[float, Meta(ge=-180, le=180)],
    Annotated[float, Meta(ge=0, le=100_000)],
    Annotated[float, Meta(ge=0, le=1_000)] | None,
    Annotated[float, Meta(ge=0, le=360)] | None,
]


class LocationFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Admits exactly what LocationReport admits."""

    fixes: Annotated[list[FixRow], Meta(min_length=1, max_length=MAX_FIXES)]
