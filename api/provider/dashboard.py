"""The dashboard: sums beside those of the span before, a chart, the newest lines, and all of it as a file."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.views import METHOD_WORDS
from api.provider.when import When, day, local_today
from api.wire.models import CamelQuery, CamelView, Money
from api.wire.results import File
from dispatch import localtime
from dispatch.billing import dashboard_files, periods, provider_dashboard, provider_transactions
from dispatch.billing.periods import Compared, change_pct
from dispatch.errors import Invalid
from dispatch.reports.formats import amount_text
from dispatch.reports.rows import CONTENT_TYPES
from dispatch.services import Services
from storage.database.listing import Wanted
from storage.provider_transactions import Transaction
from storage.providers import Provider

Kind = Literal["daily", "weekly", "monthly", "yearly"]


class PeriodQuery(CamelQuery):
    """Without ends it is the calendar's period around today, by the provider's clock."""

    period: Kind = "monthly"
    start_date: When | None = None
    end_date: When | None = None


class ChartQuery(PeriodQuery):
    period: Kind
    service: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = None


class ActivitiesQuery(CamelQuery):
    limit: Annotated[int, Field(ge=1)] = 10
    offset: Annotated[int, Field(ge=0, le=10_000)] = 0
    period: Kind | None = None


class ExportQuery(PeriodQuery):
    format: Literal["csv", "xlsx", "pdf"]
    include_charts: bool = False


class SummedOut(CamelView):
    id: str = Field(alias="_id")
    count: int
    total_amount: Money


class ComparisonOut(CamelView):
    """Percentages and differences against the period before."""

    income_change: float
    income_change_amount: Money
    payouts_change: float
    payouts_change_count: int
    subscribers_change: float
    subscribers_change_count: int


class StatsOut(CamelView):
    income: Money
    active_subscribers: int
    transactions_summary: list[SummedOut]
    period_comparison: ComparisonOut
    wallet_balance: Money
    pending_payouts: Money
    failed_refunded_count: int
    failed_refunded_amount: Money
    currency: str


class PointOut(CamelView):
    date: str
    this_period: Money
    last_period: Money


class ChartSummaryOut(CamelView):
    this_period_total: Money
    last_period_total: Money
    percentage_change: float


class ChartOut(CamelView):
    period: str
    start_date: datetime
    end_date: datetime
    data_points: list[PointOut]
    summary: ChartSummaryOut


class ActivityOut(CamelView):
    id: UUID
    payer: str | None
    email: str | None
    datetime: datetime
    method: str
    status: Literal["Failed", "Settled", "Pending"]
    amount: str
    reference: str


class ActivitiesOut(CamelView):
    activities: list[ActivityOut]
    total: int
    limit: int
    offset: int


MOST_ACTIVITIES = 50
TAGS = ["dashboard"]


def span_of(query: PeriodQuery, mine: Provider, now: datetime) -> Compared:
    """The period that is asked for, by the provider's clock. Raises Invalid when it ends before it begins."""
    ends = [None if end is None else day(end, mine.timezone) for end in (query.start_date, query.end_date)]
    try:
        return periods.compared(query.period, local_today(now, mine), *ends)
    except ValueError as error:
        raise Invalid({"endDate": "must not be before startDate"}) from error


@provider.route("GET", "/dashboard/stats", permission="dashboard:read", tags=TAGS)
async def stats(services: Services, caller: TeamMember, query: PeriodQuery) -> StatsOut:
    """The sums of a period beside those of the one before; income is what was settled less what went back in it."""
    mine, now = caller.provider, services.clock.now()
    async with services.read() as conn:
        s = await provider_dashboard.stats(conn, mine, span_of(query, mine, now), now)
    return StatsOut(
        income=s.income_minor, active_subscribers=s.subscribers, wallet_balance=s.balance_minor,
        pending_payouts=s.pending_minor, failed_refunded_count=s.failed.lines,
        failed_refunded_amount=s.failed.amount_minor, currency=mine.currency,
        transactions_summary=[
            SummedOut(id=word, count=one.lines, total_amount=one.amount_minor) for word, one in s.summary.items()
        ],
        period_comparison=ComparisonOut(
            income_change=change_pct(s.income_minor, s.income_before_minor),
            income_change_amount=s.income_minor - s.income_before_minor,
            payouts_change=change_pct(s.payouts, s.payouts_before), payouts_change_count=s.payouts - s.payouts_before,
            subscribers_change=change_pct(s.subscribers, s.subscribers_before),
            subscribers_change_count=s.subscribers - s.subscribers_before,
        ),
    )  # fmt: skip


@provider.route("GET", "/dashboard/income-chart", permission="dashboard:read", tags=TAGS)
async def chart(services: Services, caller: TeamMember, query: ChartQuery) -> ChartOut:
    """Income point by point beside the period before: hours of a day, days, or months of a year."""
    mine = caller.provider
    span = span_of(query, mine, services.clock.now())
    async with services.read() as conn:
        points = await provider_dashboard.chart(conn, mine, span, query.service)
    this, before = sum(p.this_minor for p in points), sum(p.before_minor for p in points)
    return ChartOut(
        period=query.period, start_date=_at(span.this.first, mine),
        end_date=_at(span.this.last + timedelta(days=1), mine) - timedelta(milliseconds=1),
        data_points=[
            PointOut(
                date=p.day.isoformat() if p.hour is None else f"{p.day.isoformat()}T{p.hour:02d}:00:00",
                this_period=p.this_minor, last_period=p.before_minor,
            )
            for p in points
        ],
        summary=ChartSummaryOut(
            this_period_total=this, last_period_total=before, percentage_change=change_pct(this, before)
        ),
    )  # fmt: skip


@provider.route("GET", "/dashboard/recent-activities", permission="dashboard:read", tags=TAGS)
async def activities(services: Services, caller: TeamMember, query: ActivitiesQuery) -> ActivitiesOut:
    """The newest lines of the statement, of a period if one is named."""
    mine, now = caller.provider, services.clock.now()
    limit = min(query.limit, MOST_ACTIVITIES)
    filters: dict[str, object] = {}
    if query.period is not None:
        span = span_of(PeriodQuery(period=query.period), mine, now).this
        filters = {"from_at": _at(span.first, mine), "to_at": _at(span.last + timedelta(days=1), mine)}
    async with services.read() as conn:
        found, total = await provider_transactions.newest(
            conn, mine.id, Wanted(limit=limit, filters=filters), query.offset
        )
    shown = [_activity(line) for line in found]
    return ActivitiesOut(activities=shown, total=total, limit=limit, offset=query.offset)


@provider.route("GET", "/dashboard/export", permission="dashboard:read", tags=TAGS)
async def export(services: Services, caller: TeamMember, query: ExportQuery) -> File:
    """What the dashboard shows, as csv, xlsx or pdf; the PDF with its chart if `includeCharts` is true."""
    mine, now = caller.provider, services.clock.now()
    span = span_of(query, mine, now)
    async with services.read() as conn:
        numbers = await provider_dashboard.stats(conn, mine, span, now)
        points = await provider_dashboard.chart(conn, mine, span)
    content = await dashboard_files.made(mine, span, numbers, points, query.format, with_chart=query.include_charts)
    return File(content, f"dashboard_export_{local_today(now, mine)}.{query.format}", CONTENT_TYPES[query.format])


def _at(first: date, mine: Provider) -> datetime:
    return localtime.to_utc(first, time(), mine.timezone)


def _activity(line: Transaction) -> ActivityOut:
    word = provider_transactions.shown(line.status).capitalize()
    return ActivityOut(
        id=line.id, payer=line.payer_name, email=line.payer_email, datetime=line.created_at,
        method=METHOD_WORDS.get(line.method, line.method), status=word,
        amount=amount_text(line.amount_minor, line.currency), reference=line.reference,
    )  # fmt: skip
