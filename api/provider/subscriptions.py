"""Subscriptions of a provider's customers, the plans behind them, and reminders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.fields import Name
from api.provider.views import PersonOut
from api.provider.when import SPAN, SPAN_NAMES, When, moment, spanned
from api.wire.listing import Grammar, Listing
from api.wire.models import MOST_MINOR, CamelBody, CamelQuery, CamelView, Currency, Money, within
from api.wire.results import PageWith, Reply
from dispatch.billing import provider_plans, provider_reminders, provider_subscriptions
from dispatch.billing.provider_subscriptions import LABELS, Change, NewSubscription
from dispatch.services import Services
from storage.provider_plans import Plan
from storage.provider_subscriptions import Paid, Subscription
from storage.providers import Provider

Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]
Price = Annotated[Money, within(0, MOST_MINOR)]


def _word(value: Any) -> Any:
    return value.strip().lower().replace(" ", "_") if isinstance(value, str) else value


Derived = Annotated[
    Literal["new", "active", "expiring_soon", "expired", "cancelled"], BeforeValidator(_word)
]  # fmt: skip


class SubscriptionIn(CamelBody):
    """Without dates it begins now and lasts as long as the plan says."""

    customer_id: Annotated[UUID, Field(validation_alias=AliasChoices("customerId", "providerCustomerId"))]
    plan_name: Name
    start_date: When | None = None
    end_date: When | None = None
    amount: Price | None = None
    currency: Currency | None = None
    auto_renew: bool = False
    notes: Long | None = None


class ChangeIn(CamelBody):
    plan_name: Name | None = None
    start_date: When | None = None
    end_date: When | None = None
    amount: Price | None = None
    auto_renew: bool | None = None
    notes: Long | None = None


class CancelQuery(CamelQuery):
    refund: bool = False


class CancelIn(CamelBody):
    refund: bool = False


class BulkIn(CamelBody):
    action: Literal["cancel", "enableAutoRenew", "disableAutoRenew"]
    subscription_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    refund: bool = False


class ReminderIn(CamelBody):
    """Without words of its own a reminder says which plan ends when."""

    subscription_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    reminder_type: Literal["expiring", "expired", "individual"]
    title: Long | None = None
    message: Long | None = None
    custom_message: Long | None = None


class PlanIn(CamelBody):
    name: Name
    type: Name = "standard"
    amount: Price
    currency: Currency | None = None
    duration: Annotated[int, Field(ge=1, le=3660)]
    features: Annotated[list[Name], Field(max_length=100)] = []


class PlanChangeIn(CamelBody):
    name: Name | None = None
    type: Name | None = None
    amount: Price | None = None
    duration: Annotated[int, Field(ge=1, le=3660)] | None = None
    features: Annotated[list[Name], Field(max_length=100)] | None = None
    is_active: bool | None = None


class SubscriptionOut(CamelView):
    """`status` is the raw one; `derivedStatusKey` is new, active, expiring_soon, expired or cancelled, as of now."""

    id: UUID = Field(alias="_id")
    user_id: PersonOut
    provider_id: UUID
    plan_name: str
    plan_type: str
    amount: Money
    currency: str
    start_date: datetime
    expiry_date: datetime
    status: str
    derived_status: str
    derived_status_key: str
    derived_status_label: str
    auto_renew: bool
    renewal_reminder_sent: bool
    transaction_reference: str | None
    notes: str | None
    created_at: datetime
    updated_at: datetime


class PaidOut(CamelView):
    id: UUID = Field(alias="_id")
    amount: Money
    date: datetime
    status: str
    reference: str


class SubscriptionDetailOut(SubscriptionOut):
    payment_history: list[PaidOut]


class SummaryOut(CamelView):
    total_subscriptions: int
    active_count: int
    expiring_soon_count: int
    expired_count: int
    available_plans: list[str]


class ListedOut(CamelView):
    items: list[SubscriptionOut]
    summary: SummaryOut


class CancelledOut(CamelView):
    """`refundAmount` goes back to the customer; null where none was asked for."""

    id: UUID = Field(alias="_id")
    status: str
    cancelled_at: datetime | None
    refund_amount: Money | None


class DoneOut(CamelView):
    id: UUID
    error: str | None


class BulkOut(CamelView):
    done: int
    failed: int
    results: list[DoneOut]


class RemindedOut(CamelView):
    reminder_id: UUID
    subscription_count: int
    sent_count: int
    failed_count: int
    reminder_type: str
    created_at: datetime


class PlanOut(CamelView):
    id: UUID
    name: str
    type: str
    amount: Money
    currency: str
    duration: int
    features: list[str]
    is_active: bool


class PlansOut(CamelView):
    plans: list[PlanOut]


class RemovedPlanOut(CamelView):
    """A plan that somebody has is only taken off the list."""

    id: UUID
    is_deleted: bool


LIST = Grammar(
    key="subscribers", source=provider_subscriptions.LIST, filters={"status": Derived, "plan": str, **SPAN},
    names=SPAN_NAMES,
    sorts={
        "memberName": "member", "plan": "plan", "startDate": "start", "endDate": "end", "expiryDate": "end",
        "status": "status",
    },
)  # fmt: skip
TAGS = ["subscriptions"]


@provider.route("GET", "/subscriptions", permission="subscriptions:read", listing=LIST, tags=TAGS)
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[SubscriptionOut, ListedOut]:
    """Subscriptions, those that end last first; searched by the member's name or address."""
    async with services.read() as conn:
        found = await provider_subscriptions.page(conn, caller.provider_id, spanned(listing, caller.provider))
        counts = await provider_subscriptions.summary(conn, caller.provider_id)
        plans = await provider_plans.of_provider(conn, caller.provider_id)
    shown = [SubscriptionOut(**_fields(one)) for one in found.rows]
    summary = SummaryOut(
        total_subscriptions=counts.total, active_count=counts.active, expiring_soon_count=counts.expiring,
        expired_count=counts.expired, available_plans=[plan.name for plan in plans if plan.is_active],
    )  # fmt: skip
    return PageWith.among(found.of(shown), lambda one: one, ListedOut(items=shown, summary=summary))


@provider.route(
    "POST", "/subscriptions", permission="subscriptions:write", idempotency="optional", status=201, tags=TAGS
)
async def create(services: Services, caller: TeamMember, body: SubscriptionIn) -> Reply[SubscriptionOut]:
    """Subscribe a customer to a plan; its amount is asked for at a payment page, which they are written of.

    Example: {"customerId": "11111111-1111-4111-8111-111111111111", "planName": "Gold", "startDate": "2026-02-01",
      "endDate": "2026-03-01", "autoRenew": true}
    """
    start, end = _moments(body.start_date, body.end_date, caller.provider)
    made = await provider_subscriptions.create(services, caller.provider, NewSubscription(
        body.customer_id, body.plan_name, start, end, body.amount, body.currency, body.auto_renew, body.notes,
    ))  # fmt: skip
    return Reply(SubscriptionOut(**_fields(made)), message="Subscription created successfully")


@provider.route("GET", "/subscriptions/plans", permission="subscriptions:read", tags=TAGS)
async def plans(services: Services, caller: TeamMember) -> PlansOut:
    """What customers can subscribe to; those that are no longer offered last."""
    async with services.read() as conn:
        return PlansOut(plans=[_plan(one) for one in await provider_plans.of_provider(conn, caller.provider_id)])


@provider.route(
    "POST", "/subscriptions/plans", permission="subscriptions:write", idempotency="optional", status=201, tags=TAGS
)
async def create_plan(services: Services, caller: TeamMember, body: PlanIn) -> Reply[PlanOut]:
    """Offer a plan.

    Example: {"name": "Gold", "type": "premium", "amount": 500000, "currency": "NGN", "duration": 30,
      "features": ["Two visits"]}
    """
    async with services.transaction() as tx:
        made = await provider_plans.create(
            tx, caller.provider_id, name=body.name, type=body.type, amount_minor=body.amount,
            currency=body.currency or caller.provider.currency, duration_days=body.duration, features=body.features,
        )  # fmt: skip
    return Reply(_plan(made), message="Plan created successfully")


@provider.route("PUT", "/subscriptions/plans/{plan_id}", permission="subscriptions:write", tags=TAGS)
async def change_plan(services: Services, caller: TeamMember, plan_id: UUID, body: PlanChangeIn) -> Reply[PlanOut]:
    """Change a plan; subscriptions that run keep their amount and their end.

    Example: {"amount": 600000}
    """
    async with services.transaction() as tx:
        changed = await provider_plans.change(
            tx, caller.provider_id, plan_id, name=body.name, type=body.type, amount_minor=body.amount,
            duration_days=body.duration, features=body.features, is_active=body.is_active,
        )  # fmt: skip
    return Reply(_plan(changed), message="Plan updated successfully")


@provider.route("DELETE", "/subscriptions/plans/{plan_id}", permission="subscriptions:write", tags=TAGS)
async def remove_plan(services: Services, caller: TeamMember, plan_id: UUID) -> Reply[RemovedPlanOut]:
    """Remove a plan; one that somebody has or had is only taken off the list."""
    async with services.transaction() as tx:
        is_deleted = await provider_plans.remove(tx, caller.provider_id, plan_id)
    shown = RemovedPlanOut(id=plan_id, is_deleted=is_deleted)
    return Reply(shown, message="Plan removed successfully" if is_deleted else "Plan deactivated successfully")


@provider.route("POST", "/subscriptions/bulk", permission="subscriptions:write", tags=TAGS)
async def bulk(services: Services, caller: TeamMember, body: BulkIn) -> BulkOut:
    """The same for several subscriptions at once; each is done or not by itself.

    Example: {"action": "cancel", "subscriptionIds": ["11111111-1111-4111-8111-111111111111"]}
    """
    told = await provider_subscriptions.each(
        services, caller.provider_id, body.subscription_ids, body.action, refund=body.refund, actor=caller.actor
    )
    results = [DoneOut(id=one, error=error) for one, error in told.items()]
    failed = sum(error is not None for error in told.values())
    return BulkOut(done=len(results) - failed, failed=failed, results=results)


@provider.route(
    "POST", "/subscriptions/reminders/send", permission="notifications:write", idempotency="optional", tags=TAGS
)
async def remind(services: Services, caller: TeamMember, body: ReminderIn) -> Reply[RemindedOut]:
    """Remind members of subscriptions that end or have ended.

    Example: {"subscriptionIds": ["11111111-1111-4111-8111-111111111111"], "reminderType": "expiring"}
    """
    done = await provider_reminders.send(
        services, caller.provider, body.subscription_ids, title=body.title or None,
        message=body.custom_message or body.message or None,
    )  # fmt: skip
    shown = RemindedOut(
        reminder_id=done.id, subscription_count=done.subscriptions, sent_count=done.sent, failed_count=done.failed,
        reminder_type=body.reminder_type, created_at=services.clock.now(),
    )  # fmt: skip
    return Reply(shown, message="Reminder notifications sent successfully")


@provider.route("GET", "/subscriptions/{subscription_id}", permission="subscriptions:read", tags=TAGS)
async def get(services: Services, caller: TeamMember, subscription_id: UUID) -> SubscriptionDetailOut:
    """One subscription, with what was paid for it."""
    async with services.read() as conn:
        one = await provider_subscriptions.get(conn, caller.provider_id, subscription_id)
        history = await provider_subscriptions.payments(conn, subscription_id)
    return SubscriptionDetailOut(**_fields(one), payment_history=[_paid(p) for p in history])


@provider.route("PUT", "/subscriptions/{subscription_id}", permission="subscriptions:write", tags=TAGS)
async def change(
    services: Services, caller: TeamMember, subscription_id: UUID, body: ChangeIn
) -> Reply[SubscriptionOut]:
    """Change a subscription; what is not sent stays.

    Example: {"autoRenew": false, "notes": "Calls before each visit"}
    """
    start, end = _moments(body.start_date, body.end_date, caller.provider)
    what = Change(body.plan_name, start, end, body.amount, body.auto_renew, body.notes)
    changed = await provider_subscriptions.change(services, caller.provider_id, subscription_id, what)
    return Reply(SubscriptionOut(**_fields(changed)), message="Subscription updated successfully")


@provider.route("DELETE", "/subscriptions/{subscription_id}", permission="subscriptions:write", tags=TAGS)
async def cancel(
    services: Services, caller: TeamMember, subscription_id: UUID, query: CancelQuery
) -> Reply[CancelledOut]:
    """Cancel a subscription now and tell its customer; with refund what was paid for time that is left goes back."""
    return await _cancel(services, caller, subscription_id, query.refund)


@provider.route("POST", "/subscriptions/{subscription_id}/cancel", permission="subscriptions:write", tags=TAGS)
async def cancel_by_action(
    services: Services,
    caller: TeamMember,
    subscription_id: UUID,
    body: CancelIn = CancelIn(),  # noqa: B008
) -> Reply[CancelledOut]:
    """The same under the contract's other name.

    Example: {"refund": true}
    """
    return await _cancel(services, caller, subscription_id, body.refund)


async def _cancel(services: Services, caller: TeamMember, which: UUID, refund: bool) -> Reply[CancelledOut]:
    done = await provider_subscriptions.cancel(services, caller.provider_id, which, refund=refund, actor=caller.actor)
    shown = CancelledOut(
        id=done.id, status=done.status, cancelled_at=done.cancelled_at, refund_amount=done.refund_minor
    )
    return Reply(shown, message="Subscription cancelled successfully")


def _moments(start: Any, end: Any, mine: Provider) -> tuple[datetime | None, datetime | None]:
    return tuple(None if day is None else moment(day, mine.timezone) for day in (start, end))  # type: ignore[return-value]


def _fields(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id,
        "user_id": PersonOut(
            id=one.customer_id, name=one.customer_name, email=one.customer_email, phone=one.customer_phone
        ),
        "provider_id": one.provider_id, "plan_name": one.plan_name, "plan_type": one.plan_type,
        "amount": one.amount_minor, "currency": one.currency, "start_date": one.starts_at, "expiry_date": one.ends_at,
        "status": one.status, "derived_status": one.derived, "derived_status_key": one.derived,
        "derived_status_label": LABELS[one.derived], "auto_renew": one.auto_renew,
        "renewal_reminder_sent": one.is_reminded, "transaction_reference": one.reference, "notes": one.notes,
        "created_at": one.created_at, "updated_at": one.updated_at,
    }  # fmt: skip


def _paid(one: Paid) -> PaidOut:
    return PaidOut(id=one.id, amount=one.amount_minor, date=one.created_at, status=one.status, reference=one.reference)


def _plan(one: Plan) -> PlanOut:
    return PlanOut(
        id=one.id, name=one.name, type=one.type, amount=one.amount_minor, currency=one.currency,
        duration=one.duration_days, features=one.features, is_active=one.is_active,
    )  # fmt: skip
