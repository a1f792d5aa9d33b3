"""What this node has just told parties: whoever listens here hears it without a look into the database.

The durable stream stays the truth: here is only what one transaction wrote, for a second, and it is used only where it
follows at once upon what the listener has heard. Everything else is read: what another node told, or what came between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

import orjson
from cachetools import TTLCache

from storage.facts import PartyEvent

#: So many streams at most, and each for so long in real seconds: a hint is followed in a few milliseconds. What it
#: says of an offer, that it is open, is the moment's of its commit.
MOST, BELIEVED_S = 4_096, 1.0


class JustTold:
    """The last facts of streams that have just grown. `monotonic` tells real seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._by_party: TTLCache[UUID, list[PartyEvent]] = TTLCache(MOST, BELIEVED_S, monotonic)

    def put(self, events: Sequence[PartyEvent]) -> None:
        """All that one transaction told, committed by now, each stream in its order."""
        by_party: dict[UUID, list[PartyEvent]] = {}
        for event in events:
            by_party.setdefault(event.party_id, []).append(event)
        self._by_party.update(by_party)

    def after(self, party_id: UUID, seq: int) -> list[PartyEvent] | None:
        """What follows upon this fact, as it is read from the stream; None: only the database knows."""
        events = self._by_party.get(party_id)
        if events is None or events[0].seq != seq + 1:
            return None
        return [
            PartyEvent(e.party_id, e.seq, e.type, orjson.loads(orjson.dumps(e.data)), e.at, e.stands) for e in events
        ]
