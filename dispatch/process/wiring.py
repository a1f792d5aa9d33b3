"""Who hears of which fact, and which loops run: two lists, read top to bottom."""

from __future__ import annotations

from typing import Protocol

from dispatch.adapters.messages import senders
from dispatch.adapters.webhooks import HttpPoster
from dispatch.billing import (
    bulk_visits,
    cancelled,
    earnings,
    moved_bookings,
    promos,
    provider_subscriptions,
    request_links,
    request_payments,
    subscription_notices,
)
from dispatch.billing.worker import MoneyWorker
from dispatch.engine import detections, presence, settings
from dispatch.engine.timers import Sweeper
from dispatch.engine.vicinity import Vicinity
from dispatch.live import real_time
from dispatch.outbox import notifications
from dispatch.outbox.sweeper import OutboxSweeper
from dispatch.parties import integration_usage, rota
from dispatch.process import crons
from dispatch.services import Services
from dispatch.webhooks.worker import WebhookWorker


class Worker(Protocol):
    """A loop that is started and stopped with the process."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


def reactions_of(services: Services) -> None:
    """What else happens in the transaction of a fact, in this order: money first, then words about it."""
    for part in (earnings, cancelled, promos, bulk_visits, moved_bookings, notifications):
        part.register(services.reactions)
    request_payments.follow(provider_subscriptions.PURPOSE, provider_subscriptions.paid)
    request_links.follow(provider_subscriptions.PURPOSE, subscription_notices.send_link)


def workers_of(services: Services) -> list[Worker]:
    """Everything that repeats in a process. Raises WrongSenders for senders that are half configured."""
    workers: list[Worker] = [
        real_time.loop_of(services.pool, services.clock),
        services.roster.loop,
        services.zones.loop,
        services.sessions.standing.loop,
        *services.tracker.loops,
        detections.loop_of(services),
        presence.loop_of(services),
        Sweeper(services).loop,
        Vicinity(services).loop,
        *(OutboxSweeper(services, channel, sender) for channel, sender in senders.of(services.settings).items()),
        integration_usage.loop_of(services),
        WebhookWorker(services, HttpPoster(services.settings.webhooks.open_hosts)),
        crons.loop_of(services),
        settings.loop_of(services),
        rota.loop_of(services),
    ]
    if services.replica is not None:
        workers.append(services.replica.loop)
    if services.settings.payments.is_configured:
        workers.append(MoneyWorker(services, services.gateway))
    return workers
