"""What billing does every day by itself."""

from __future__ import annotations

from functools import partial

from dispatch.billing import reconciliation
from dispatch.services import Services
from storage.jobs import Handler

#: Ten past every hour: a day that could not be compared at its first turn gets another one.
HOURLY = "10 * * * *"


def crons_of(services: Services) -> dict[str, tuple[str, Handler]]:
    """Name -> (cron line, handler); none where no gateway is configured."""
    if not services.settings.payments.is_configured:
        return {}
    return {"reconcile": (HOURLY, partial(_reconcile, services))}


async def _reconcile(services: Services) -> None:
    await reconciliation.run_yesterday(services, services.gateway)
