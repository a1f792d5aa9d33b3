"""Throws away what has had its time: old codes, sessions, counters, answers, previews, sent messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from dispatch.billing import confirm
from storage import commands, explain, facts, idempotency, notifications, otp, outbox, quotas, sessions
from storage.database.pool import Conn

if TYPE_CHECKING:
    from dispatch.services import Services

log = logging.getLogger(__name__)

#: Once an hour in real time, on every node: a second deletion of the same rows finds none.
EVERY_S = 3600.0
#: A repeated command finds its answer for so long.
COMMAND_HOURS = 72
#: So many rows are deleted in one transaction.
MOST = 500
#: So many of a party's facts stay however old they are: at least as many as a socket resumes over.
NEWEST = 1_000


async def tidy(services: Services) -> None:
    """One round. Each kind in a transaction of its own, so that one that waits holds up no other."""
    for purge in (otp.purge, sessions.purge, outbox.purge, quotas.purge, idempotency.purge):
        async with services.transaction() as tx:
            await purge(tx.conn)
    async with services.transaction() as tx:
        await commands.purge(tx.conn, hours=COMMAND_HOURS)
    async with services.transaction() as tx:
        await confirm.sweep(tx)
    s = services.settings.dispatch
    await _purge_all(services, partial(explain.purge, days=s.explain_days, most=MOST))
    await _purge_all(services, partial(facts.purge_party, days=s.party_events_days, newest=NEWEST, most=MOST))
    await _purge_all(services, partial(notifications.purge, days=s.notifications_days, most=MOST))


async def _purge_all(services: Services, purge: Callable[[Conn], Awaitable[int]]) -> None:
    """Part by part, until nothing is left to delete."""
    while True:
        async with services.transaction() as tx:
            if await purge(tx.conn) < MOST:
                return


class Housekeeper:
    """The hourly round of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="housekeeper")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await tidy(self._services)
            except Exception:
                log.warning("housekeeping failed and is tried again", exc_info=True)
            await asyncio.sleep(EVERY_S)
