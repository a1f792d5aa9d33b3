"""What the clock does for subscriptions: reminds, asks for the next period, and lets those end that nobody paid for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from dispatch.billing import one_by_one, provider_subscriptions, subscription_notices
from dispatch.parties import providers
from dispatch.services import Services, Tx
from storage import payment_requests as request_rows
from storage import provider_subscriptions as rows
from storage.provider_subscriptions import Ref

#: Of (transaction, provider_id, subscription_id): whether there was something to do.
Work = Callable[..., Awaitable[int]]
#: So long before its end a subscription is reminded of, and the next period is asked for, in days.
REMIND_DAYS, RENEW_DAYS = 7, 3
#: So many at one turn of the clock; the rest follows at the next.
MOST = 2_000


async def turn(services: Services) -> dict[str, int]:
    """One turn: how many ended, were reminded, and were asked to pay or went on for nothing.

    Each in a transaction of its own, and once. One that cannot be done stops no other, and is tried at the next turn.
    """
    async with services.read() as conn:
        over = await rows.over(conn, most=MOST)
    ended = await _each(services, over, _end)
    async with services.read() as conn:
        to_remind = await rows.to_remind(conn, days=REMIND_DAYS, most=MOST)
        to_renew = await rows.to_renew(conn, days=RENEW_DAYS, most=MOST)
    return {
        "reminded": await _each(services, to_remind, _remind), "asked": await _each(services, to_renew, _renew),
        "ended": ended,
    }  # fmt: skip


async def _each(services: Services, found: list[Ref], work: Work) -> int:
    return await one_by_one.each(services, (
        (f"subscription {one.id}", partial(work, provider_id=one.provider_id, subscription_id=one.id)) for one in found
    ))  # fmt: skip


async def _end(tx: Tx, provider_id: UUID, subscription_id: UUID) -> int:
    await provider_subscriptions.lock(tx, provider_id, subscription_id)
    if not await rows.expire(tx.conn, id=subscription_id):
        return 0
    await provider_subscriptions.tell(tx, provider_id, subscription_id)
    await subscription_notices.ended(tx, await provider_subscriptions.get(tx.conn, provider_id, subscription_id))
    return 1


async def _remind(tx: Tx, provider_id: UUID, subscription_id: UUID) -> int:
    one = await provider_subscriptions.lock(tx, provider_id, subscription_id)
    if not await rows.remind(tx.conn, id=subscription_id, days=REMIND_DAYS):
        return 0
    await subscription_notices.remind(tx, one)
    return 1


async def _renew(tx: Tx, provider_id: UUID, subscription_id: UUID) -> int:
    """Asks for the next period; its page is made by the intent. What costs nothing goes on at once.

    What is asked for already, because the end was put off since, is not asked for a second time but written of again.
    """
    one, waiting = await provider_subscriptions.lock_with_requests(tx, provider_id, subscription_id)
    if not await rows.asked(tx.conn, id=subscription_id, days=RENEW_DAYS):
        return 0
    if open_ones := [request for request in waiting if request.renews_days is not None]:
        newest = max(open_ones, key=lambda request: request.created_at)
        await request_rows.change(
            tx.conn, id=newest.id, description=None, due_at=one.ends_at, method=None, metadata=None
        )
        if newest.url is not None:
            await subscription_notices.send_link(tx, newest)
        return 1
    provider = await providers.get(tx.conn, provider_id)
    customer = await provider_subscriptions.customer_of(tx.conn, one)
    if await provider_subscriptions.ask(tx, provider, one, customer, renews_days=one.period_days) is None:
        await rows.extend(tx.conn, id=subscription_id, days=one.period_days)
        await provider_subscriptions.tell(tx, provider_id, subscription_id)
    return 1
