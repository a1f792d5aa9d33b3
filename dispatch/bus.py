"""Hints between the parts of a node, and between nodes: lossy wake-ups, never the truth."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Protocol

log = logging.getLogger(__name__)

Hint = dict[str, Any]
Listener = Callable[[Hint], None]

#: Every topic that travels on the bus, so that nobody invents a second spelling.
BOOKING_CHANGED = "booking.changed"  # {booking_id, account_id, may_have_job}
PARTY_CHANGED = "party.changed"  # {party_id}: new party_events rows
TECHNICIAN_CHANGED = "technician.changed"  # {technician_id}: profile, availability, rating
TECHNICIAN_FREED = "technician.freed"  # {technician_id}: an offer closed, an interval or a hold ended
CATALOGUE_CHANGED = "catalogue.changed"  # {}
PROMO_CHANGED = "promo.changed"  # {code}
ZONES_CHANGED = "zones.changed"  # {}
SESSION_REVOKED = "session.revoked"  # {realm, session_id | subject_id}
TIMER_SET = "timer.set"  # {at}: unix s of the domain's time
OUTBOX_FILLED = "outbox.filled"  # {channels}
WEBHOOKS_FILLED = "webhooks.filled"  # {}
SETTINGS_CHANGED = "settings.changed"  # {}
ROTA_CHANGED = "rota.changed"  # {}
ALERT_RAISED = "alert.raised"  # {kind, booking_id}


class Bus(Protocol):
    """Publish never blocks and never raises; a lost hint costs a delay, because every listener also polls."""

    def publish(self, topic: str, hint: Hint) -> None: ...

    def subscribe(self, topic: str, listener: Listener) -> None: ...

    @property
    def is_alone(self) -> bool: ...

    @property
    def heard_since(self) -> float: ...

    def publish_positions(self, batch: bytes) -> None: ...

    def on_positions(self, listener: Callable[[bytes], None]) -> None: ...

    async def close(self) -> None: ...


class LocalBus:
    """The bus of one node: listeners run on the next turn of the loop, in the order of publishing."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = defaultdict(list)

    def subscribe(self, topic: str, listener: Listener) -> None:
        self._listeners[topic].append(listener)

    def publish(self, topic: str, hint: Hint) -> None:
        asyncio.get_running_loop().call_soon(self.deliver, topic, hint)

    def deliver(self, topic: str, hint: Hint) -> None:
        """Hands a hint to this node's listeners; one that fails is logged and hurts nobody else."""
        for listener in self._listeners.get(topic, ()):
            try:
                listener(hint)
            except Exception:
                log.exception("bus listener failed on %s", topic)

    @property
    def is_alone(self) -> bool:
        """Whether nobody would hear of positions."""
        return True

    @property
    def heard_since(self) -> float:
        """Since when no hint of another node was missed, by the monotonic clock; infinite while some may be."""
        return -math.inf

    def publish_positions(self, batch: bytes) -> None:
        """Position batches go to the other nodes only, and a single node has none."""

    def on_positions(self, listener: Callable[[bytes], None]) -> None:
        """Nobody else reports positions here."""

    async def close(self) -> None:
        self._listeners.clear()


class RedisBus(LocalBus):
    """The bus of many nodes: hints go to this node's listeners at once and to the others through Redis."""

    def __init__(self, url: str) -> None:
        super().__init__()
        # Imported only where there is a Redis: it takes a third of the time in which a command starts.
        from storage.redis import RedisHints

        self._hints = RedisHints(url, self.deliver)
        self._hints.start()

    def publish(self, topic: str, hint: Hint) -> None:
        super().publish(topic, hint)
        self._hints.publish(topic, hint)

    @property
    def is_alone(self) -> bool:
        return False

    @property
    def heard_since(self) -> float:
        return self._hints.heard_since

    def publish_positions(self, batch: bytes) -> None:
        self._hints.publish_positions(batch)

    def on_positions(self, listener: Callable[[bytes], None]) -> None:
        self._hints.on_positions(listener)

    async def close(self) -> None:
        await self._hints.close()
        await super().close()
