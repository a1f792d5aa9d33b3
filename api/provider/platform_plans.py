"""What a provider pays the platform for its dashboard: the plan it has, those it can choose, and its bills."""

from __future__ import annotations

from datetime import date
from typing import Literal

from api.audiences import TeamMember, provider
from api.provider.fields import Name
from api.wire.models import CamelBody, CamelView, Money
from api.wire.results import File, Reply
from dispatch.billing import platform_bills, platform_plans
from dispatch.billing.platform_bills import Standing
from dispatch.localtime import local
from dispatch.services import Services
from storage.platform_bills import Bill
from storage.platform_plans import PlatformPlan
from storage.providers import Provider


class ChoiceIn(CamelBody):
    plan: Name


class CurrentPlanOut(CamelView):
    """What the platform charges for the dashboard; `billingDate` is the next one."""

    name: str
    amount: Money
    currency: str
    billing_date: date
    days_remaining: int


class BillOut(CamelView):
    invoice: str
    date: date
    plan: str
    amount: Money
    currency: str


class OpenBillOut(BillOut):
    """`status` is open, paid or void; an open one waits for its money until `dueDate`."""

    status: Literal["open", "paid", "void"]
    due_date: date
    payment_link: str | None


class OfferedOut(CamelView):
    name: str
    monthly_amount: Money
    yearly_amount: Money
    currency: str
    features: list[str]
    is_current: bool


class PlansOut(CamelView):
    """`nextPlan` comes with the next bill; `isEnding`: after what is paid for there is none any more."""

    current_plan: CurrentPlanOut
    next_plan: str | None
    is_ending: bool
    open_bill: OpenBillOut | None
    plans: list[OfferedOut]


TAGS = ["settings"]


@provider.route("GET", "/settings/plans", permission="settings:read", tags=TAGS)
async def plans(services: Services, caller: TeamMember) -> PlansOut:
    """The plan that we have, those that we can choose, and the bill that is open."""
    mine = caller.provider
    async with services.read() as conn:
        standing = await platform_bills.standing(conn, mine, local(services.clock.now(), mine.timezone).date())
        bills = await platform_bills.newest(conn, mine.id)
        offered = await platform_plans.offered(conn, mine.currency)
    unpaid = next((bill for bill in bills if bill.status == "open"), None)
    return PlansOut(
        current_plan=current_out(standing, mine), next_plan=standing.next_name, is_ending=standing.is_ending,
        open_bill=_open_out(unpaid) if unpaid else None, plans=[_offered(plan, standing) for plan in offered],
    )  # fmt: skip


@provider.route("PUT", "/settings/plan", permission="settings:write", tags=TAGS)
async def choose(services: Services, caller: TeamMember, body: ChoiceIn) -> Reply[PlansOut]:
    """Choose a plan: at once, or with the next bill when the one we have is paid for.

    Example: {"plan": "Professional"}
    """
    await services.retrying(lambda tx: platform_bills.choose(tx, caller.provider_id, body.plan))
    return Reply(await plans(services, caller), message="Plan updated successfully")


@provider.route("DELETE", "/settings/plan", permission="settings:write", tags=TAGS)
async def cancel(services: Services, caller: TeamMember) -> Reply[PlansOut]:
    """Go back to having none, after what is paid for."""
    await services.retrying(lambda tx: platform_bills.cancel(tx, caller.provider_id))
    return Reply(await plans(services, caller), message="Plan cancelled successfully")


@provider.route("POST", "/settings/bills/{number}/pay", permission="settings:write", tags=TAGS)
async def pay(services: Services, caller: TeamMember, number: str) -> OpenBillOut:
    """A page to pay an open bill at, which else is taken from the wallet as soon as that holds it."""
    return _open_out(await platform_bills.pay(services, caller.provider_id, number))


@provider.route("GET", "/settings/bills/{number}/invoice", permission="settings:read", tags=TAGS)
async def invoice(services: Services, caller: TeamMember, number: str) -> File:
    """A bill as a PDF."""
    async with services.read() as conn:
        bill = await platform_bills.of_provider(conn, caller.provider_id, number)
    content = await platform_bills.paper(caller.provider, bill, services.settings.brand)
    return File(content, f"{bill.number}.pdf", "application/pdf")


def current_out(standing: Standing, mine: Provider) -> CurrentPlanOut:
    return CurrentPlanOut(
        name=standing.name, amount=standing.amount_minor, currency=mine.currency, billing_date=standing.next_on,
        days_remaining=standing.days_left,
    )  # fmt: skip


def bill_out(bill: Bill) -> BillOut:
    return BillOut(
        invoice=bill.number, date=bill.issued_on, plan=bill.plan_name, amount=bill.amount_minor, currency=bill.currency
    )


def _open_out(bill: Bill) -> OpenBillOut:
    return OpenBillOut(
        **dict(bill_out(bill)), status=bill.status, due_date=bill.due_on,
        payment_link=bill.url if bill.link_is_open else None,
    )  # fmt: skip


def _offered(plan: PlatformPlan, standing: Standing) -> OfferedOut:
    return OfferedOut(
        name=plan.name, monthly_amount=plan.monthly_minor, yearly_amount=plan.yearly_minor, currency=plan.currency,
        features=plan.features, is_current=plan.name == standing.name,
    )  # fmt: skip
