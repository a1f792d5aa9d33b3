"""The location frame as msgspec reads it: the fast twins of events.LocationReport, which explains mistakes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.realtime.events import MAX_FIXES
from geo.filter import MAX_T_MS, Ping

#: Any plain value, because the ping's way judges each fix, and each value of it, by itself.
Scalar = float | str | bool | None


class LocationFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Admits what LocationReport admits, save rows that are no lists of plain values: those take the long way."""

    fixes: Annotated[list[list[Scalar]], Meta(min_length=1, max_length=MAX_FIXES)]
    sent_at_ms: Scalar = None


class WholeFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A frame of which nothing has to be looked at again: every value is there or null, and in its bounds. Most are."""

    fixes: Annotated[list[Ping], Meta(min_length=1, max_length=MAX_FIXES)]
    sent_at_ms: Annotated[float, Meta(ge=0.0, le=MAX_T_MS)] | None = None
