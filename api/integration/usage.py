"""How much a partner asks, and what comes of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from pydantic import ValidationInfo, field_validator

from api.audiences import Member
from api.integration import callers
from api.integration.views import LimitsOut
from api.wire.models import CamelQuery, CamelView, Day, Money
from dispatch.parties import integration_analytics, integration_usage, integrations
from dispatch.parties.integration_analytics import Analytics
from dispatch.services import Services

TAGS = ("usage",)
#: Days that are shown where none are named.
DAYS = 30


class SpanQuery(CamelQuery):
    """Days, both included; without them the last thirty."""

    date_from: Day | None = None
    date_to: Day | None = None

    @field_validator("date_to")
    @classmethod
    def _in_order(cls, value: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("date_from")
        if value is not None and start is not None and not 0 <= (value - start).days < integration_usage.MOST_DAYS:
            raise ValueError(f"must be on or after dateFrom and within {integration_usage.MOST_DAYS} days of it")
        return value

    def span(self, today: date) -> tuple[date, date]:
        until = self.date_to or (today if self.date_from is None else self.date_from + timedelta(days=DAYS - 1))
        return self.date_from or until - timedelta(days=DAYS - 1), until


class DayOut(CamelView):
    date: date
    requests: int
    refused: int


class RouteOut(CamelView):
    route: str
    requests: int
    refused: int


class UsageOut(CamelView):
    """Calls that were taken; `refused` are those over a limit. Months and days are UTC's."""

    total_requests: int
    monthly_requests: int
    refused_requests: int
    remaining_requests: int
    last_request_at: datetime | None
    api_limits: LimitsOut
    by_day: list[DayOut]
    by_route: list[RouteOut]


class FiguresOut(CamelView):
    """`jobsPosted` are bookings asked for, `bookings` those that somebody confirmed, `revenue` of those done in the
    currency that earned most.
    """

    jobs_posted: int
    bookings: int
    revenue: Money
    revenue_by_currency: dict[str, Money]
    currency: str
    active_users: int
    completed_jobs: int
    cancelled_jobs: int
    average_rating: float | None


class AnalyticsOut(FiguresOut):
    last30_days: FiguresOut


@callers.route("GET", "/{id}/usage", "usage:read", tags=TAGS)
async def usage(services: Services, caller: Member, id: UUID, query: SpanQuery) -> UsageOut:
    """What was asked for, by day and by route."""
    first, last = query.span(services.clock.now().date())
    used = await integration_usage.of(services, id, first, last)
    async with services.read() as conn:
        row = await integrations.get(conn, id)
    return UsageOut(
        total_requests=used.totals.total, monthly_requests=used.totals.this_month,
        refused_requests=used.totals.refused, remaining_requests=max(0, row.monthly_limit - used.totals.this_month),
        last_request_at=row.last_request_at,
        api_limits=LimitsOut(monthly_limit=row.monthly_limit, burst_limit=row.burst_limit),
        by_day=[DayOut(date=d.day, requests=d.requests, refused=d.refused) for d in used.by_day],
        by_route=[RouteOut(route=r.route, requests=r.requests, refused=r.refused) for r in used.by_route],
    )  # fmt: skip


@callers.route("GET", "/{id}/analytics", "profile:read", tags=TAGS)
async def analytics(services: Services, caller: Member, id: UUID) -> AnalyticsOut:
    """What came of the partner's calls, ever and within the last thirty days."""
    async with services.read() as conn:
        await integrations.get(conn, id)
        ever = await integration_analytics.ever(conn, id)
        lately = await integration_analytics.lately(services, conn, id, DAYS)
    currency = services.settings.currency
    return AnalyticsOut(**_figures(ever, currency), last30_days=FiguresOut(**_figures(lately, currency)))


def _figures(found: Analytics, currency: str) -> dict[str, object]:
    figures, earned = found.figures, found.revenue
    return {
        "jobs_posted": figures.jobs_posted, "bookings": figures.bookings,
        "revenue": earned[0].minor if earned else 0, "revenue_by_currency": {r.currency: r.minor for r in earned},
        "currency": earned[0].currency if earned else currency, "active_users": figures.active_users,
        "completed_jobs": figures.completed, "cancelled_jobs": figures.cancelled,
        "average_rating": figures.average_rating,
    }  # fmt: skip
