"""Who hears of which fact, and which loops run: two lists, read top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dispatch.billing import charges, earnings, promos
from dispatch.outbox import notifications
from dispatch.outbox.sweeper import OutboxSweeper

if TYPE_CHECKING:
    from dispatch.services import Services


class Worker(Protocol):
    """A loop that is started and stopped with the process."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


def reactions_of(services: Services) -> None:
    """What else happens in the transaction of a fact, in this order: money first, then words about it."""
    for part in (charges, earnings, promos, notifications):
        part.register(services.reactions)


def workers_of(services: Services) -> list[Worker]:
    """The loops besides timers and tracking."""
    from dispatch.adapters import senders

    return [OutboxSweeper(services, senders.of(services.settings))]
