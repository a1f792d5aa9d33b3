"""What customers are told of their subscriptions: where to pay, when they end, and that they were called off."""

from __future__ import annotations

from dispatch.parties import provider_notifications, providers
from dispatch.reports.formats import Formats, amount_text
from dispatch.services import Tx
from storage import payment_requests as request_rows
from storage import provider_subscriptions as rows
from storage.payment_requests import PaymentRequest
from storage.provider_subscriptions import Subscription
from storage.providers import Provider


def words(provider: Provider, one: Subscription) -> tuple[str, str]:
    """Title and text of a reminder, where nobody has written one: how it stands, whatever the reminder was sent for."""
    if one.derived in ("expired", "cancelled"):
        ended = _written(provider).moment(one.cancelled_at or one.ends_at)
        return "Your subscription has ended", f"{one.plan_name} at {provider.name} ended on {ended}."
    ends = _written(provider).moment(one.ends_at)
    return "Your subscription ends soon", f"{one.plan_name} at {provider.name} ends on {ends}."


async def remind(tx: Tx, one: Subscription) -> None:
    """It ends soon."""
    title, message = words(await providers.get(tx.conn, one.provider_id), one)
    await _send(tx, one, title, message, None)


async def send_link(tx: Tx, request: PaymentRequest) -> None:
    """Writes to the customer who is asked for a period, the first one or the next, once there is a page to pay at."""
    one = None
    if request.purpose_id is not None:
        one = await rows.get(tx.conn, id=request.purpose_id, provider_id=request.provider_id)
    if one is None:
        return
    provider = await providers.get(tx.conn, request.provider_id)
    if request.renews_days is not None:
        title, message = words(provider, one)
        await _send(tx, one, title, f"{message} {_to_go_on(request)}", request.url)
        return
    written, amount = _written(provider), amount_text(request.amount_minor, request.currency)
    span = f"{written.moment(one.starts_at)} to {written.moment(one.ends_at)}"
    message = f"{one.plan_name} at {provider.name}, {span}. Pay {amount} here: {request.url}"
    await _send(tx, one, "Your subscription", message, request.url, type="general")


async def ended(tx: Tx, one: Subscription) -> None:
    """One that was to go on by itself and was not paid: its customer is told that it has ended, and how it goes on."""
    if not one.auto_renew:
        return
    request = await request_rows.open_renewal(tx.conn, purpose_id=one.id)
    title, message = words(await providers.get(tx.conn, one.provider_id), one)
    if request is not None:
        message = f"{message} {_to_go_on(request)}"
    await _send(tx, one, title, message, None if request is None else request.url)


async def called_off(tx: Tx, one: Subscription, given_back_minor: int) -> None:
    """The provider has ended it before its time; `given_back_minor` is on its way to whoever paid."""
    provider = await providers.get(tx.conn, one.provider_id)
    ended_on = _written(provider).moment(one.cancelled_at or tx.now)
    message = f"{one.plan_name} at {provider.name} was cancelled on {ended_on}."
    if given_back_minor:
        message = f"{message} {amount_text(given_back_minor, one.currency)} goes back to how you paid."
    await _send(tx, one, "Your subscription was cancelled", message, None, type="general")


def _to_go_on(request: PaymentRequest) -> str:
    amount = amount_text(request.amount_minor, request.currency)
    return f"Pay {amount} to go on for {request.renews_days} days: {request.url}"


def _written(provider: Provider) -> Formats:
    return Formats(provider.date_format, provider.time_format, provider.timezone)


async def _send(
    tx: Tx, one: Subscription, title: str, message: str, link: str | None, *, type: str = "reminder"
) -> None:
    await provider_notifications.send(
        tx, one.provider_id, [one.customer_id], type=type, title=title, message=message, link=link,
        metadata={"subscriptionId": str(one.id)},
    )  # fmt: skip
