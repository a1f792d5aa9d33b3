"""What a live socket needs of the server that it belongs to; the server itself knows sockets, rooms and engine."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

from api.realtime.guard import QuietLog, SocketLimits
from api.realtime.hot import HotEvent
from api.realtime.reading import Reading
from api.realtime.timers import Delayed


class Hub(Protocol):
    """The part of the server that its sockets use: limits, counters, who is alive, the shared timers."""

    limits: SocketLimits
    stats: Counter[str]
    note_abuse: QuietLog
    #: By the Engine.IO sid.
    live: dict[str, Any]
    hot_events: tuple[HotEvent, ...]
    reading: Reading
    #: Whose peer is gone, and whose connection has ended: thousands may at one time.
    closing: Delayed[Any]
    ended: Delayed[Any]
    #: The next heartbeat, a heartbeat that is late, a sign-in that has not come.
    beats: Delayed[Any]
    lates: Delayed[Any]
    unsigned: Delayed[Any]

    def no_door(self, ws: Any, namespace: str) -> dict[str, Any] | None:
        """Why this socket can't ask to join a namespace."""
        ...

    async def join(self, ws: Any, namespace: str, auth: dict[str, Any] | None) -> None:
        """Connects a namespace, or tells the peer why not."""
        ...

    def gave_up(self, ws: Any, seat: str) -> None:
        """A connection has ended: its seat is free."""
        ...

    def forgot(self, ws: Any) -> None:
        """Nothing of a socket is at work any more."""
        ...
