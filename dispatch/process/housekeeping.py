"""Throws away what has had its time: old codes, sessions, counters, answers, previews, messages, letters, names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from dispatch.billing import confirm
from dispatch.engine import files
from dispatch.parties import erasure
from storage import (
    commands,
    email_changes,
    explain,
    facts,
    idempotency,
    integration_usage,
    notifications,
    otp,
    outbox,
    partner_imports,
    passwords,
    quotas,
    sessions,
    tasks,
    webhook_deliveries,
    webhooks,
)
from storage import erasure as erasure_rows
from storage.database.pool import Conn

if TYPE_CHECKING:
    from dispatch.services import Services

#: A repeated command finds its answer for so long.
COMMAND_HOURS = 72
#: Work that was done may be asked about for so long.
TASK_DAYS = 30
#: What integrations asked for is shown for so long.
USAGE_DAYS = 400
#: What became of a table of trade partners is shown for so long.
IMPORT_DAYS = 90
#: So many rows are deleted in one transaction.
MOST = 500
#: So many of a party's facts stay however old they are: at least as many as a socket resumes over.
NEWEST = 1_000


async def tidy(services: Services) -> None:
    """One round; a second one at once finds nothing.

    Each kind in a transaction of its own, so that one that waits holds up no other.
    """
    for purge in (sessions.purge, passwords.purge, email_changes.purge, quotas.purge, idempotency.purge):
        async with services.transaction() as tx:
            await purge(tx.conn)
    async with services.transaction() as tx:
        await commands.purge(tx.conn, hours=COMMAND_HOURS)
    async with services.transaction() as tx:
        await confirm.sweep(tx)
    s, p = services.settings.dispatch, services.settings.privacy
    await _purge_all(services, partial(otp.purge, days=p.otp_days, most=MOST))
    await _purge_all(services, partial(outbox.purge, days=p.outbox_days, most=MOST))
    await _purge_all(services, partial(erasure_rows.purge_letters, days=p.letters_days, most=MOST))
    await _forget_bookings(services)
    await _purge_all(services, partial(explain.purge, days=s.explain_days, most=MOST))
    await _purge_all(services, partial(facts.purge_party, days=s.party_events_days, newest=NEWEST, most=MOST))
    await _purge_all(services, partial(integration_usage.purge, days=USAGE_DAYS, most=MOST))
    await _purge_all(services, partial(tasks.purge, days=TASK_DAYS, most=MOST))
    await _purge_all(services, partial(partner_imports.purge, days=IMPORT_DAYS, most=MOST))
    days = services.settings.webhooks.log_days
    await _purge_all(services, partial(webhook_deliveries.purge, days=days, most=MOST))
    await _purge_all(services, partial(webhooks.purge_deleted, days=days, most=MOST))
    await _purge_all(services, partial(notifications.purge, days=s.notifications_days, most=MOST))
    await files.tidy(services)


async def _forget_bookings(services: Services) -> None:
    while True:
        async with services.transaction() as tx:
            if await erasure.forget_old_bookings(tx, MOST) < MOST:
                return


async def _purge_all(services: Services, purge: Callable[[Conn], Awaitable[int]]) -> None:
    """Part by part, until nothing is left to delete."""
    while True:
        async with services.transaction() as tx:
            if await purge(tx.conn) < MOST:
                return
