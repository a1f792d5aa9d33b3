"""Subscriptions of a provider's customers: begun, changed, paid for, called off with what is left of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from dispatch.billing import provider_facts, provider_requests, refunds, request_links, subscription_notices
from dispatch.billing.provider_requests import NewRequest
from dispatch.errors import Conflict, DispatchError, Invalid, Missing
from dispatch.events import Actor
from dispatch.parties import providers
from dispatch.services import Services, Tx
from dispatch.wording import Verbatim
from storage import payment_requests as request_rows
from storage import payments as payment_rows
from storage import provider_customers as customer_rows
from storage import provider_plans as plan_rows
from storage import provider_subscriptions as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.payment_requests import PaymentRequest
from storage.provider_customers import Customer
from storage.provider_plans import Plan
from storage.provider_subscriptions import Paid, Subscription, Summary
from storage.providers import Provider

#: How the derived states are shown (C115).
LABELS = {
    "new": "New", "active": "Active", "expiring_soon": "Expiring Soon", "expired": "Expired", "cancelled": "Cancelled",
}  # fmt: skip
PURPOSE = "subscription"


class Cancelled(Conflict):
    """This subscription is cancelled and stays so."""

    code = "subscription_cancelled"


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """None takes the plan's, or now; the end follows from the plan's duration."""

    customer_id: UUID | None
    plan_name: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    amount_minor: int | None = None
    currency: str | None = None
    auto_renew: bool = False
    notes: str | None = None


async def create(services: Services, provider: Provider, new: NewSubscription) -> Subscription:
    """Begins a subscription and asks for its amount at a payment page. Raises Invalid, naming every bad field."""
    async with services.transaction() as tx:
        customer, plan = await _checked(tx.conn, provider.id, new, tx.now)
        starts_at = new.starts_at or tx.now
        subscription_id = uuid4()
        amount = plan.amount_minor if new.amount_minor is None else new.amount_minor
        currency = new.currency or plan.currency
        await rows.insert(
            tx.conn, id=subscription_id, provider_id=provider.id, customer_id=customer.id, plan_id=plan.id,
            period_days=plan.duration_days, amount_minor=amount, currency=currency, starts_at=starts_at,
            ends_at=new.ends_at or starts_at + timedelta(days=plan.duration_days), auto_renew=new.auto_renew,
            notes=new.notes,
        )  # fmt: skip
        request = await ask(tx, provider, await get(tx.conn, provider.id, subscription_id), customer, renews_days=None)
        await tell(tx, provider.id, subscription_id)
    if request is not None:
        await provider_requests.with_page(services, request)
    async with services.read() as conn:
        return await get(conn, provider.id, subscription_id)


async def _checked(conn: Conn, provider_id: UUID, new: NewSubscription, now: datetime) -> tuple[Customer, Plan]:
    bad: dict[str, str] = {}
    customer = None
    if new.customer_id is not None:
        customer = await customer_rows.find(conn, provider_id=provider_id, id=new.customer_id)
    if customer is None:
        bad["customerId"] = Verbatim("Customer not found")
    plan = await plan_rows.by_name(conn, provider_id=provider_id, name=new.plan_name)
    if plan is None:
        bad["planName"] = Verbatim("Invalid plan name")
    if new.ends_at is not None and new.ends_at <= (new.starts_at or now):
        bad["endDate"] = Verbatim("End date must be after start date")
    if plan is not None:
        bad |= _bad_price(plan, new)
    if customer is None or plan is None or bad:
        raise Invalid(bad)
    return customer, plan


def _bad_price(plan: Plan, new: NewSubscription) -> dict[str, str]:
    """Nothing is converted: who names another currency names the amount in it."""
    currency = new.currency or plan.currency
    if new.amount_minor is None and currency != plan.currency:
        return {"currency": f"must be {plan.currency}, which the plan's amount is in, or come with an amount"}
    wrong = provider_requests.too_little(plan.amount_minor if new.amount_minor is None else new.amount_minor, currency)
    return {} if wrong is None else {"amount": wrong}


async def ask(
    tx: Tx, provider: Provider, one: Subscription, customer: Customer, *, renews_days: int | None
) -> PaymentRequest | None:
    """A payment request for a subscription; paid, it makes it go on for `renews_days`. None where it costs nothing."""
    if one.amount_minor < provider_requests.LEAST_MINOR:
        return None
    request = await provider_requests.open_request(tx, provider, NewRequest(
        customer, one.amount_minor, one.currency, "link", f"Subscription {one.plan_name}", one.ends_at,
        {"subscriptionId": str(one.id)}, purpose=PURPOSE, purpose_id=one.id, category="subscription",
        renews_days=renews_days,
    ))  # fmt: skip
    await rows.set_reference(tx.conn, id=one.id, reference=request.reference)
    return request


async def paid(tx: Tx, request: PaymentRequest) -> None:
    """What a paid request does for its subscription: a renewal makes it go on, and so does a first one after its end.

    The span that it bought is kept.
    """
    if request.purpose_id is None:
        return
    one = await lock(tx, request.provider_id, request.purpose_id)
    days = request.renews_days
    # One that was over when it was written down stays so.
    if days is None and one.created_at < one.ends_at <= tx.now:
        if one.bought_until is None:
            await rows.begin_late(tx.conn, id=one.id)
        else:
            days = one.period_days
    if days is not None:
        await rows.extend(tx.conn, id=one.id, days=days)
    after = await get(tx.conn, request.provider_id, one.id)
    begins_at = after.starts_at if days is None else after.ends_at - timedelta(days=days)
    await rows.bought(tx.conn, id=one.id, bought_from=begins_at, bought_until=after.ends_at)
    if after.ends_at != one.ends_at:
        await tell(tx, request.provider_id, one.id)


@dataclass(frozen=True, slots=True)
class Change:
    """What of a subscription changes; None stays. Another plan comes with its amount, where none is named."""

    plan_name: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    amount_minor: int | None = None
    auto_renew: bool | None = None
    notes: str | None = None


async def change(services: Services, provider_id: UUID, subscription_id: UUID, what: Change) -> Subscription:
    """What is asked for it and not paid yet is asked for anew where its amount or plan changes.

    Raises Missing, Cancelled, Invalid.
    """
    closed, asked = await services.retrying(partial(
        _change, provider_id=provider_id, subscription_id=subscription_id, what=what
    ))  # fmt: skip
    for request in closed:
        await request_links.close(services, request.gateway_link_id)
    for request in asked:
        await provider_requests.with_page(services, request)
    async with services.read() as conn:
        return await get(conn, provider_id, subscription_id)


async def _change(
    tx: Tx, provider_id: UUID, subscription_id: UUID, what: Change
) -> tuple[list[PaymentRequest], list[PaymentRequest]]:
    """The requests that it called off, and those that it made instead."""
    known, waiting = await lock_with_requests(tx, provider_id, subscription_id)
    if known.status == "cancelled":
        raise Cancelled
    bad: dict[str, str] = {}
    plan_id, period_days, amount_minor = known.plan_id, known.period_days, known.amount_minor
    if what.plan_name is not None:
        plan = await plan_rows.by_name(tx.conn, provider_id=provider_id, name=what.plan_name)
        if plan is None:
            bad["planName"] = Verbatim("Invalid plan name")
        elif plan.id != known.plan_id:
            plan_id, period_days, amount_minor = plan.id, plan.duration_days, plan.amount_minor
            if what.amount_minor is None and plan.currency != known.currency:
                bad["amount"] = f"must be named in {known.currency}: the plan's is in {plan.currency}"
    starts_at, ends_at = what.starts_at or known.starts_at, what.ends_at or known.ends_at
    is_unpaid = any(request.renews_days is None for request in waiting)
    if what.ends_at is None and plan_id != known.plan_id and is_unpaid:
        ends_at = starts_at + timedelta(days=period_days)
    if ends_at <= starts_at:
        bad["endDate"] = Verbatim("End date must be after start date")
    if (wrong := provider_requests.too_little(what.amount_minor, known.currency)) is not None:
        bad["amount"] = wrong
    if bad:
        raise Invalid(bad)
    await rows.change(
        tx.conn, id=known.id, plan_id=plan_id, period_days=period_days, starts_at=starts_at, ends_at=ends_at,
        amount_minor=amount_minor if what.amount_minor is None else what.amount_minor,
        auto_renew=known.auto_renew if what.auto_renew is None else what.auto_renew,
        notes=known.notes if what.notes is None else what.notes,
    )  # fmt: skip
    await tell(tx, provider_id, subscription_id)
    changed = await get(tx.conn, provider_id, subscription_id)
    if (changed.plan_id, changed.amount_minor) == (known.plan_id, known.amount_minor):
        return [], []
    return await _ask_anew(tx, changed, waiting)


async def _ask_anew(
    tx: Tx, one: Subscription, waiting: list[PaymentRequest]
) -> tuple[list[PaymentRequest], list[PaymentRequest]]:
    closed = [request for request in waiting if await provider_requests.call_off(tx, request)]
    provider, customer = await providers.get(tx.conn, one.provider_id), await customer_of(tx.conn, one)
    asked = []
    for request in closed:
        days = None if request.renews_days is None else one.period_days
        asked.append(await ask(tx, provider, one, customer, renews_days=days))
    if None in asked and any(request.renews_days is not None for request in closed):
        # Its next period, which was asked for, costs nothing now.
        await rows.extend(tx.conn, id=one.id, days=one.period_days)
        await tell(tx, one.provider_id, one.id)
    return closed, [request for request in asked if request is not None]


async def lock_with_requests(
    tx: Tx, provider_id: UUID, subscription_id: UUID
) -> tuple[Subscription, list[PaymentRequest]]:
    """A subscription and what is asked for it and not paid yet. Raises Missing."""
    asked = partial(
        request_rows.lock_open_of, tx.conn, purpose=PURPOSE, purpose_id=subscription_id, provider_id=provider_id
    )
    # Requests before their subscription, as a payment that comes in locks them.
    await asked()
    known = await lock(tx, provider_id, subscription_id)
    # Again, for what a renewal has asked meanwhile: from here on it waits for the subscription.
    return known, await asked()


async def cancel(
    services: Services, provider_id: UUID, subscription_id: UUID, *, refund: bool, actor: Actor
) -> Subscription:
    """Ends a subscription now; with `refund` what was paid for the time that is left goes back (pro rata).

    What is still asked for is called off, and the customer is told. Repeated, it changes nothing.

    Raises Missing, PayeeHasLess.
    """
    closed = await services.retrying(partial(
        _cancel, provider_id=provider_id, subscription_id=subscription_id, refund=refund, actor=actor
    ))  # fmt: skip
    for request in closed:
        await request_links.close(services, request.gateway_link_id)
    async with services.read() as conn:
        return await get(conn, provider_id, subscription_id)


async def _cancel(tx: Tx, provider_id: UUID, subscription_id: UUID, refund: bool, actor: Actor) -> list[PaymentRequest]:
    """The requests that it called off. What is read of payments is read under the locks of all of them."""
    known, waiting = await lock_with_requests(tx, provider_id, subscription_id)
    if known.status == "cancelled":
        return []
    closed = [request for request in waiting if await provider_requests.call_off(tx, request)]
    given_back = await _give_back(tx, known, actor) if refund else None
    await rows.cancel(tx.conn, id=subscription_id, refund_minor=given_back)
    await tell(tx, provider_id, subscription_id)
    if known.status == "active":
        await subscription_notices.called_off(tx, await get(tx.conn, provider_id, subscription_id), given_back or 0)
    return closed


async def _give_back(tx: Tx, known: Subscription, actor: Actor) -> int:
    """The part of what was paid last that is for time to come and not given back yet, in minor units; 0 for nothing."""
    payment_id = await rows.last_paid(tx.conn, id=known.id)
    payment = None if payment_id is None else await payment_rows.lock(tx.conn, payment_id=payment_id)
    if payment is None:
        return 0
    left = min(left_of(payment.captured_minor, known, tx.now), payment.refundable_minor)
    if left:
        await refunds.request(
            tx, payment.id, left, reason=f"Subscription {known.plan_name} cancelled",
            requested_by=f"{actor.kind}:{actor.id}",
        )  # fmt: skip
    return left


def left_of(amount_minor: int, one: Subscription, now: datetime) -> int:
    """Pro rata of the span that was bought last, rounded down: all of it before it begins, nothing once it is used up.

    An end that was put off gives nothing back of time that is over, a beginning that was put off does.
    """
    if one.bought_from is None or one.bought_until is None:
        return 0
    whole_s = (one.bought_until - one.bought_from).total_seconds()
    used_s = max(0.0, (now - max(one.starts_at, one.bought_from)).total_seconds())
    left_s = max(0.0, min(whole_s - used_s, (one.ends_at - now).total_seconds()))
    return int(amount_minor * left_s / whole_s)


async def each(
    services: Services, provider_id: UUID, ids: list[UUID], action: str, *, refund: bool, actor: Actor
) -> dict[UUID, str | None]:
    """The same deed for several: why it was not done, or None. Actions: cancel, enableAutoRenew, disableAutoRenew."""
    told: dict[UUID, str | None] = {}
    for one in dict.fromkeys(ids):
        try:
            if action == "cancel":
                await cancel(services, provider_id, one, refund=refund, actor=actor)
            else:
                await change(services, provider_id, one, Change(auto_renew=action == "enableAutoRenew"))
            told[one] = None
        except DispatchError as error:
            told[one] = error.message
    return told


async def tell(tx: Tx, provider_id: UUID, subscription_id: UUID) -> None:
    """Tells the provider how a subscription stands."""
    one = await get(tx.conn, provider_id, subscription_id)
    provider_facts.tell(
        tx, provider_id, "subscription.updated",
        {
            "subscription_id": str(one.id), "customer_id": str(one.customer_id), "plan_name": one.plan_name,
            "status": one.status, "derived_status": one.derived, "expiry_date": one.ends_at.isoformat(),
            "amount_minor": one.amount_minor, "currency": one.currency,
        },
        about=one.id,
    )  # fmt: skip


# ---------------------------------------------------------------- reading

#: A provider's subscriptions, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[Subscription]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def get(conn: Conn, provider_id: UUID, subscription_id: UUID) -> Subscription:
    """Raises Missing."""
    found = await rows.get(conn, id=subscription_id, provider_id=provider_id)
    if found is None:
        raise Missing("subscription")
    return found


async def lock(tx: Tx, provider_id: UUID, subscription_id: UUID) -> Subscription:
    """Raises Missing."""
    found = await rows.lock(tx.conn, id=subscription_id, provider_id=provider_id)
    if found is None:
        raise Missing("subscription")
    return found


async def payments(conn: Conn, subscription_id: UUID) -> list[Paid]:
    """What was asked for it, newest first."""
    return await rows.payments(conn, id=subscription_id)


async def summary(conn: Conn, provider_id: UUID) -> Summary:
    found = await rows.summary(conn, provider_id=provider_id)
    assert found is not None, "counts are always there"
    return found


async def customer_of(conn: Conn, one: Subscription) -> Customer:
    found = await customer_rows.find(conn, provider_id=one.provider_id, id=one.customer_id)
    assert found is not None, "a subscription has its customer"
    return found
