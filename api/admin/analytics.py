"""Analytics: what came in, who did it, what was asked for, by the days of the business and in one currency."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from api.audiences import Admin, admin
from api.wire.models import Currency, Day, Money, Query, View
from dispatch.reports import analytics
from dispatch.reports.analytics import Unit
from dispatch.services import Services
from storage.analytics import Revenue, ServiceSums, TechnicianSums


class SpanQuery(Query):
    """Local days, both included; without `currency` the business's."""

    date_from: Day
    date_to: Day
    currency: Currency | None = None


class RevenueQuery(SpanQuery):
    group_by: Unit = "day"


class PerformanceQuery(SpanQuery):
    partner_id: UUID | None = None


class PartOut(View):
    """`date` is the first day of the day, week (Monday) or month."""

    date: date
    revenue: Money
    bookings: int
    paid_bookings: int


class RevenueOut(View):
    """Revenue is what was captured online, plus the cash of completed jobs, minus refunds. `total_bookings` were made
    in the span; the average order is over the `paid_bookings`."""

    currency: str
    total_revenue: Money
    total_bookings: int
    paid_bookings: int
    average_order_value: Money
    breakdown: list[PartOut]


class PartnerOut(View):
    """`total_bookings` are jobs that ended in the span, done or given up."""

    partner_id: UUID
    partner_code: str
    partner_name: str
    total_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    total_earnings: Money
    average_rating: float | None
    cancellation_rate: float


class PerformanceOut(View):
    currency: str
    partners: list[PartnerOut]


class ServiceOut(View):
    """`total_revenue` is the price of what was done in the span."""

    service_id: UUID
    service_name: str
    category: str
    tier: str
    total_bookings: int
    total_revenue: Money
    average_rating: float | None


class PopularityOut(View):
    currency: str
    services: list[ServiceOut]


@admin.route("GET", "/analytics/revenue", permission="analytics:read", tags=["analytics"])
async def revenue(services: Services, caller: Admin, query: RevenueQuery) -> RevenueOut:
    """Revenue by day, week or month."""
    span = analytics.span(services, query.date_from, query.date_to, query.currency)
    async with services.read_reports() as conn:
        found = await analytics.revenue(conn, span, query.group_by)
    return RevenueOut(
        currency=span.currency, total_revenue=found.total_minor, total_bookings=found.bookings,
        paid_bookings=found.paid, average_order_value=found.average_minor, breakdown=[_part(p) for p in found.parts],
    )  # fmt: skip


@admin.route("GET", "/analytics/partner-performance", permission="analytics:read", tags=["analytics"])
async def performance(services: Services, caller: Admin, query: PerformanceQuery) -> PerformanceOut:
    """Technicians, the busiest first."""
    span = analytics.span(services, query.date_from, query.date_to, query.currency)
    async with services.read_reports() as conn:
        found = await analytics.technicians(conn, span, query.partner_id)
    return PerformanceOut(currency=span.currency, partners=[_partner(t) for t in found])


@admin.route("GET", "/analytics/service-popularity", permission="analytics:read", tags=["analytics"])
async def popularity(services: Services, caller: Admin, query: SpanQuery) -> PopularityOut:
    """Services, the most booked first."""
    span = analytics.span(services, query.date_from, query.date_to, query.currency)
    async with services.read_reports() as conn:
        found = await analytics.popularity(conn, span)
    return PopularityOut(currency=span.currency, services=[_service(s) for s in found])


def _part(p: Revenue) -> PartOut:
    return PartOut(date=p.starts_on, revenue=p.revenue_minor, bookings=p.bookings, paid_bookings=p.paid)


def _partner(t: TechnicianSums) -> PartnerOut:
    total = t.completed + t.cancelled
    rate = round(100 * t.cancelled / total, 2) if total else 0.0
    return PartnerOut(
        partner_id=t.technician_id, partner_code=t.code, partner_name=t.name, total_bookings=total,
        completed_bookings=t.completed, cancelled_bookings=t.cancelled, total_earnings=t.earnings_minor,
        average_rating=_average(t.stars, t.ratings), cancellation_rate=rate,
    )  # fmt: skip


def _service(s: ServiceSums) -> ServiceOut:
    return ServiceOut(
        service_id=s.service_id, service_name=s.name, category=s.category, tier=s.tier, total_bookings=s.bookings,
        total_revenue=s.revenue_minor, average_rating=_average(s.stars, s.ratings),
    )  # fmt: skip


def _average(stars: int, ratings: int) -> float | None:
    return round(stars / ratings, 2) if ratings else None
