"""What the clock does for subscriptions: reminds, asks for the next period, and lets those end that nobody paid for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from dispatch.billing import one_by_one, provider_subscriptions
from dispatch.parties import provider_notifications, providers
from dispatch.reports.formats import Formats, amount_text
from dispatch.services import Services, Tx
from storage import payment_requests as request_rows
from storage import provider_subscriptions as rows
from storage.payment_requests import PaymentRequest
from storage.provider_subscriptions import Ref, Subscription
from storage.providers import Provider

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
    await _send_end(tx, await provider_subscriptions.get(tx.conn, provider_id, subscription_id))
    return 1


async def _remind(tx: Tx, provider_id: UUID, subscription_id: UUID) -> int:
    one = await provider_subscriptions.lock(tx, provider_id, subscription_id)
    if not await rows.remind(tx.conn, id=subscription_id, days=REMIND_DAYS):
        return 0
    provider = await providers.get(tx.conn, provider_id)
    title, message = words(provider, one, "expiring")
    await _send(tx, one, title, message, None)
    return 1


async def _renew(tx: Tx, provider_id: UUID, subscription_id: UUID) -> int:
    """Asks for the next period; its page is made by the intent. What costs nothing goes on at once."""
    one = await provider_subscriptions.lock(tx, provider_id, subscription_id)
    if not await rows.asked(tx.conn, id=subscription_id, days=RENEW_DAYS):
        return 0
    provider = await providers.get(tx.conn, provider_id)
    customer = await provider_subscriptions.customer_of(tx.conn, one)
    if await provider_subscriptions.ask(tx, provider, one, customer, renews_days=one.period_days) is None:
        await rows.extend(tx.conn, id=subscription_id, days=one.period_days)
        await provider_subscriptions.tell(tx, provider_id, subscription_id)
    return 1


async def send_link(tx: Tx, request: PaymentRequest) -> None:
    """Writes to the customer who is asked for the next period, once there is a page to pay it at."""
    if request.renews_days is None or request.purpose_id is None:
        return
    one = await provider_subscriptions.get(tx.conn, request.provider_id, request.purpose_id)
    provider = await providers.get(tx.conn, request.provider_id)
    title, message = words(provider, one, "expiring")
    await _send(tx, one, title, f"{message} {_to_pay(request)}", request.url)


async def _send_end(tx: Tx, one: Subscription) -> None:
    """One that was to go on by itself and was not paid: its customer is told that it has ended, and how it goes on."""
    if not one.auto_renew:
        return
    request = await request_rows.open_renewal(tx.conn, purpose_id=one.id)
    title, message = words(await providers.get(tx.conn, one.provider_id), one, "expired")
    if request is not None:
        message = f"{message} {_to_pay(request)}"
    await _send(tx, one, title, message, None if request is None else request.url)


def _to_pay(request: PaymentRequest) -> str:
    amount = amount_text(request.amount_minor, request.currency)
    return f"Pay {amount} to go on for {request.renews_days} days: {request.url}"


async def _send(tx: Tx, one: Subscription, title: str, message: str, link: str | None) -> None:
    await provider_notifications.send(
        tx, one.provider_id, [one.customer_id], type="reminder", title=title, message=message, link=link,
        metadata={"subscriptionId": str(one.id)},
    )  # fmt: skip


def words(provider: Provider, one: Subscription, kind: str) -> tuple[str, str]:
    """Title and text of a reminder, where nobody has written one."""
    day = Formats(provider.date_format, provider.time_format, provider.timezone).moment(one.ends_at)
    if kind == "expired" or one.derived == "expired":
        return "Your subscription has ended", f"{one.plan_name} at {provider.name} ended on {day}."
    return "Your subscription ends soon", f"{one.plan_name} at {provider.name} ends on {day}."
