"""Analytics: revenue, transactions, customers and subscriptions of a period, against the one before."""

from __future__ import annotations

from datetime import date
from typing import Literal

from api.audiences import TeamMember, provider
from api.provider.dashboard import PeriodQuery, span_of
from api.wire.models import CamelView, Money
from dispatch.billing import provider_dashboard
from dispatch.billing.periods import change_pct, trend
from dispatch.services import Services


class RevenueOut(CamelView):
    total: Money
    change: float
    trend: Literal["up", "down", "stable"]
    currency: str


class TransactionsOut(CamelView):
    total: int
    successful: int
    failed: int
    change: float


class CustomersOut(CamelView):
    total: int
    new: int
    active: int
    change: float


class SubscriptionsOut(CamelView):
    total: int
    active: int
    expiring: int
    change: float


class PeriodOut(CamelView):
    start: date
    end: date
    type: str


class OverviewOut(CamelView):
    revenue: RevenueOut
    transactions: TransactionsOut
    customers: CustomersOut
    subscriptions: SubscriptionsOut
    period: PeriodOut


@provider.route("GET", "/analytics/overview", permission="analytics:read", tags=["analytics"])
async def overview(services: Services, caller: TeamMember, query: PeriodQuery) -> OverviewOut:
    """The period's figures and how they have changed."""
    mine, now = caller.provider, services.clock.now()
    span = span_of(query, mine, now)
    async with services.read() as conn:
        numbers = await provider_dashboard.stats(conn, mine, span, now)
        before = await provider_dashboard.lines_between(conn, mine, span.before)
        total = await provider_dashboard.lines_between(conn, mine, span.this)
        people = await provider_dashboard.customers(conn, mine, span)
        running = await provider_dashboard.subscriptions(conn, mine)
    return OverviewOut(
        revenue=RevenueOut(
            total=numbers.income_minor, change=change_pct(numbers.income_minor, numbers.income_before_minor),
            trend=trend(numbers.income_minor, numbers.income_before_minor), currency=mine.currency,
        ),
        transactions=TransactionsOut(
            total=total, successful=numbers.summary["successful"].lines, failed=numbers.summary["failed"].lines,
            change=change_pct(total, before),
        ),
        customers=CustomersOut(
            total=people.total, new=people.arrived, active=people.active, change=people.change_pct
        ),
        subscriptions=SubscriptionsOut(
            total=running.total, active=running.active, expiring=running.expiring,
            change=change_pct(numbers.subscribers, numbers.subscribers_before),
        ),
        period=PeriodOut(start=span.this.first, end=span.this.last, type=span.kind),
    )  # fmt: skip
