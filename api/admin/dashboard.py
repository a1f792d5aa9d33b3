"""The back office's first page."""

from __future__ import annotations

from api.admin.booking_views import BookingOut, booking_out
from api.admin.partner_views import PartnerRow, row_out
from api.audiences import Admin, admin
from api.wire.models import Currency, Money, Query, View
from dispatch.reports import analytics
from dispatch.services import Services
from storage import staff_bookings, technicians
from storage.database.listing import Wanted

#: So many of the newest stand on the first page.
NEWEST = Wanted(limit=10)


class WhereQuery(Query):
    """Without `currency` money is in the business's."""

    currency: Currency | None = None


class StatsOut(View):
    """The four counts make the total. `pending_payouts` is what is owed to technicians and providers."""

    total_bookings: int
    pending_bookings: int
    confirmed_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    total_revenue: Money
    today_revenue: Money
    active_partners: int
    total_partners: int
    pending_payouts: Money
    currency: str


class AlertsOut(View):
    """So many of this type are open."""

    type: str
    count: int


class DashboardOut(View):
    stats: StatsOut
    recent_bookings: list[BookingOut]
    recent_partners: list[PartnerRow]
    alerts: list[AlertsOut]


@admin.route("GET", "/dashboard", permission="dashboard:read", tags=["analytics"])
async def dashboard(services: Services, caller: Admin, query: WhereQuery) -> DashboardOut:
    """The business at a glance."""
    settings = services.settings
    currency = query.currency or settings.currency
    async with services.read_reports() as conn:
        now, alerts = await analytics.dashboard(conn, analytics.today(services), currency, settings.timezone)
        bookings = await staff_bookings.everybodys.first(conn, NEWEST, timezone=settings.timezone)
        people = await technicians.everybody.first(conn, NEWEST, currency=currency)
    stats = StatsOut(
        total_bookings=now.total, pending_bookings=now.pending, confirmed_bookings=now.confirmed,
        completed_bookings=now.completed, cancelled_bookings=now.cancelled, total_revenue=now.revenue_minor,
        today_revenue=now.today_minor, active_partners=now.active_technicians, total_partners=now.technicians,
        pending_payouts=now.payable_minor, currency=currency,
    )  # fmt: skip
    return DashboardOut(
        stats=stats, recent_bookings=[booking_out(b) for b in bookings], recent_partners=[row_out(t) for t in people],
        alerts=[AlertsOut(type=a.kind, count=a.count) for a in alerts],
    )  # fmt: skip
