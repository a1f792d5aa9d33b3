"""The location frame as msgspec reads it: the fast twin of events.LocationReport, which explains mistakes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.realtime.events import MAX_FIXES

#: Any plain value, because the ping's way judges each fix, and each value of it, by itself.
Scalar = float | str | bool | None


class LocationFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Admits what LocationReport admits, save rows that are no lists of plain values: those take the long way."""

    fixes: Annotated[list[list[Scalar]], Meta(min_length=1, max_length=MAX_FIXES)]
    sent_at_ms: Scalar = None
