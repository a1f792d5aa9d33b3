"""How much an app may ask, what it has asked, and the loop that writes it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from dispatch.errors import NotAllowed, Throttled
from dispatch.loops import Loop
from dispatch.parties import integrations
from dispatch.parties.integrations import PartnerNotFound
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from storage import integration_usage as rows
from storage.integration_usage import OfDay, OfRoute, Standing, Totals

#: Between two rounds of the loop, in real seconds.
FLUSH_S = 3.0
#: At which shares of the month's calls an app is told.
ALERT_PERCENTS = (80, 100)
#: The longest span that one answer shows.
MOST_DAYS = 366


class NotActive(NotAllowed):
    """This partner is not active: its credentials do not work."""

    code = "partner_not_active"


class MonthUsedUp(Throttled):
    """All calls of this month are used up."""

    code = "rate_limit_exceeded"


@dataclass(frozen=True, slots=True)
class Used:
    """What an app has asked for; `by_day` and `by_route` are those of the span that was asked for."""

    totals: Totals
    by_day: Sequence[OfDay]
    by_route: Sequence[OfRoute]


async def standing(services: Services, id: UUID) -> Standing:
    """State and limits, a few seconds old at most. Raises PartnerNotFound."""
    if (known := services.usage.known(id)) is not None:
        return known
    async with services.read() as conn:
        found = await rows.standing(conn, id=id, today=services.clock.now().date())
    if found is None:
        raise PartnerNotFound
    services.usage.learn(id, found)
    return found


async def admit(services: Services, id: UUID) -> Standing:
    """The standing of an app that may use its credentials. Raises NotActive, PartnerNotFound."""
    found = await standing(services, id)
    if found.status != "active":
        words = "not activated yet" if found.status == "pending" else found.status
        raise NotActive(f"This partner is {words}: its credentials do not work.")
    return found


def spend(services: Services, id: UUID, standing: Standing, route: str) -> None:
    """Counts one call of the month. Raises MonthUsedUp, which is counted as refused."""
    now = services.clock.now()
    if services.usage.used(id, standing, now.date()) >= standing.monthly_limit:
        services.usage.count(id, now, route, is_refused=True)
        wait_s = (_next_month(now) - now).total_seconds()
        raise MonthUsedUp(
            f"All {standing.monthly_limit:,} calls of this month are used up.",
            details={"limit": "monthly", "monthly_limit": standing.monthly_limit}, retry_after_s=max(wait_s, 1.0),
        )  # fmt: skip
    services.usage.count(id, now, route)


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


async def of(services: Services, id: UUID, date_from: date, date_to: date) -> Used:
    """What was asked for, the last seconds' calls of this process included. Not for a block that holds a connection: it
    takes one to carry them over."""
    await flush(services)
    async with services.read() as conn:
        totals = await rows.totals(conn, id=id, today=services.clock.now().date())
        assert totals is not None, "a sum has one row"
        days = await rows.by_day(conn, id=id, date_from=date_from, date_to=date_to)
        routes = await rows.by_route(conn, id=id, date_from=date_from, date_to=date_to)
    return Used(totals, days, routes)


async def flush(services: Services) -> None:
    """Carries what was counted to the database; what does not arrive counts on."""
    async with services.usage.turn:
        await _carry(services)


async def _carry(services: Services) -> None:
    batch = services.usage.take()
    if batch is None:
        return
    keys = list(batch.counts)
    counts = [batch.counts[key] for key in keys]
    try:
        async with services.transaction() as tx:
            await rows.add(
                tx.conn, ids=[k[0] for k in keys], days=[k[1] for k in keys], routes=[k[2] for k in keys],
                requests=[c.requests for c in counts], refused=[c.refused for c in counts],
            )  # fmt: skip
            await rows.seen(tx.conn, ids=list(batch.heard), moments=list(batch.heard.values()))
            await _alert(tx, list(batch.heard))
    except BaseException:
        services.usage.came_back()
        raise
    services.usage.gone()


async def _alert(tx: Tx, ids: Sequence[UUID]) -> None:
    """Tells an app once a month that much of it, and then all of it, is used up."""
    month = f"{tx.now:%Y-%m}"
    for percent in ALERT_PERCENTS:
        for found in await rows.over(tx.conn, ids=list(ids), today=tx.now.date(), percent=percent):
            if await rows.alerted(tx.conn, id=found.id, today=tx.now.date(), percent=percent) is None:
                continue
            told = {"used": found.used, "limit": found.monthly_limit, "percent": percent, "month": month}
            owner = Owner("integration", found.id)
            await deliveries.publish(tx, owner, "api.usage_alert", told)
            await integrations.write(tx, found.id, "usage_alert", {"name": found.name, **told})


def loop_of(services: Services) -> Loop:
    """Flushes every few seconds."""

    async def step() -> None:
        await flush(services)

    return Loop("integration usage", step, every_s=FLUSH_S)
