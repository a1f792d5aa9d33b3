"""Calls of integrations, counted in memory: a call costs an addition, and a loop carries the sums to the database."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from storage.integration_usage import Standing

#: How long what is known of an app's limits is believed, in real seconds.
BELIEVED_S = 2.0
#: Apps whose standing is remembered.
_MOST = 10_000


@dataclass(slots=True)
class Count:
    """Of one app, day and route."""

    requests: int = 0
    refused: int = 0


Key = tuple[UUID, date, str]


@dataclass(slots=True)
class Batch:
    """What was counted since the last one, and when each app was last heard."""

    counts: dict[Key, Count] = field(default_factory=lambda: defaultdict(Count))
    heard: dict[UUID, datetime] = field(default_factory=dict)
    #: Of an app and a month, by its first day: so that whoever asks adds nothing up.
    months: dict[tuple[UUID, date], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, key: Key, requests: int, refused: int) -> None:
        counted = self.counts[key]
        counted.requests += requests
        counted.refused += refused
        self.months[key[0], key[1].replace(day=1)] += requests

    def of_month(self, id: UUID, day: date) -> int:
        """Calls of an app in the month of `day`."""
        return self.months.get((id, day.replace(day=1)), 0)


class Usage:
    """One per process. Whoever asks for a standing renews it; whoever flushes takes a batch and says that it went."""

    def __init__(self) -> None:
        self._batch = Batch()
        #: On its way to the database: still part of what was used.
        self._leaving: Batch | None = None
        self._standing: dict[UUID, tuple[float, Standing]] = {}
        #: Held by whoever flushes: who wants to read all that was counted waits for what is under way.
        self.turn = asyncio.Lock()

    def known(self, id: UUID) -> Standing | None:
        """What was learned of an app within the last seconds."""
        found = self._standing.get(id)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def learn(self, id: UUID, standing: Standing) -> None:
        if len(self._standing) >= _MOST:
            self._standing.clear()
        self._standing[id] = time.monotonic() + BELIEVED_S, standing

    def forget(self, id: UUID) -> None:
        """Its limits or its state have changed: whoever asks next learns them anew."""
        self._standing.pop(id, None)

    def used(self, id: UUID, standing: Standing, day: date) -> int:
        """Calls of the month: those in the database when the standing was learned, and those counted here since."""
        leaving = self._leaving.of_month(id, day) if self._leaving else 0
        return standing.used + self._batch.of_month(id, day) + leaving

    def count(self, id: UUID, now: datetime, route: str, *, is_refused: bool = False) -> None:
        """One call."""
        self._batch.add((id, now.date(), route), not is_refused, is_refused)
        self._batch.heard[id] = now

    def take(self) -> Batch | None:
        """What is to be carried to the database; None for nothing, and while another batch is under way."""
        if self._leaving is not None or not self._batch.counts:
            return None
        self._leaving, self._batch = self._batch, Batch()
        return self._leaving

    def gone(self) -> None:
        """The batch is in the database: what was known of its apps' months is no longer right."""
        if self._leaving is not None:
            for id in self._leaving.heard:
                self.forget(id)
        self._leaving = None

    def came_back(self) -> None:
        """The batch did not arrive: it counts on here."""
        if self._leaving is None:
            return
        for key, count in self._leaving.counts.items():
            self._batch.add(key, count.requests, count.refused)
        self._batch.heard = self._leaving.heard | self._batch.heard
        self._leaving = None
