"""Who hears of which fact, and which loops run: two lists, read top to bottom."""

from __future__ import annotations

from typing import Protocol

from dispatch.adapters.messages import senders
from dispatch.billing import cancelled, charges, earnings, promos
from dispatch.billing.worker import MoneyWorker
from dispatch.outbox import notifications
from dispatch.outbox.sweeper import OutboxSweeper
from dispatch.process import crons
from dispatch.process.housekeeping import Housekeeper
from dispatch.services import Services
from storage.jobs import Jobs


class Worker(Protocol):
    """A loop that is started and stopped with the process."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


def reactions_of(services: Services) -> None:
    """What else happens in the transaction of a fact, in this order: money first, then words about it."""
    for part in (charges, earnings, cancelled, promos, notifications):
        part.register(services.reactions)


def workers_of(services: Services) -> list[Worker]:
    """The loops besides timers and tracking. Raises WrongSenders for senders that are half configured."""
    workers: list[Worker] = [OutboxSweeper(services, senders.of(services.settings)), Housekeeper(services)]
    if services.settings.payments.is_configured:
        workers += [MoneyWorker(services, services.gateway), Jobs(services.pool, crons.crons_of(services))]
    return workers
