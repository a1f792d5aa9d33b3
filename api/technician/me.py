"""A technician's own page: dashboard, availability, working hours, and why there are no jobs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from api.audiences import Technician, technician
from api.shared.hours import HoursIn
from api.shared.objects import HoursObject
from api.technician.views import Job, job
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, Money, Query, View
from api.wire.results import PageWith
from dispatch.billing import earnings
from dispatch.engine import explain, presence, technician_bookings
from dispatch.services import Services
from storage.explain import RecentVerdict

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class StatsOut(View):
    total_bookings: int
    pending_bookings: int
    today_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    total_earnings: Money
    pending_payout: Money
    rating: float | None
    is_available: bool


class RecentEarning(View):
    booking_id: UUID
    booking_number: str
    amount: Money
    currency: str
    status: str
    created_at: datetime


class Dashboard(View):
    stats: StatsOut
    upcoming_bookings: list[Job]
    recent_earnings: list[RecentEarning]


class AvailabilityIn(Body):
    """A position that comes along counts as a ping."""

    is_available: Annotated[bool, Field(strict=True)]
    current_lat: Latitude | None = None
    current_lng: Longitude | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> AvailabilityIn:
        if (self.current_lat is None) != (self.current_lng is None):
            raise ValueError("send current_lat and current_lng together")
        return self


class AvailabilityOut(View):
    is_available: bool
    last_seen_at: datetime


class WorkingHoursIn(Body):
    working_hours: HoursIn


class WorkingHoursOut(View):
    """`start`, `end` and `days` say the hours at a glance; `weekly` each stretch where they are not that simple."""

    working_hours: HoursObject


class DayOffOut(View):
    date: date


class DaysOffOut(View):
    days_off: list[DayOffOut]


class WhyQuery(Query):
    days: Annotated[int, Field(ge=1, le=30)] = 7


class ReasonOut(View):
    reason: str
    times: int
    bookings: int
    last_at: datetime


class VerdictOut(View):
    at: datetime
    reason: str
    rank: int | None
    score: float | None
    parts: dict[str, float] | None
    distance_m: int | None
    categories: list[str]
    starts_at: datetime


class WhyOut(View):
    """`offered` and `ranked_below` are chances; every other reason is a filter that refused."""

    since: datetime
    reasons: list[ReasonOut]


CHANCES = Grammar(key="recent", source=explain.LIST, filters={"reason": str})


@technician.route("GET", "/dashboard", tags=["me"])
async def dashboard(services: Services, caller: Technician) -> Dashboard:
    """My figures, what comes next, what I earned last."""
    me = caller.technician_id
    async with services.read() as conn:
        stats = await technician_bookings.stats(conn, me)
        upcoming = await technician_bookings.ahead(conn, me, technician_bookings.DASHBOARD_ROWS)
        recent = await earnings.latest(conn, me, technician_bookings.DASHBOARD_ROWS)
        sums = await earnings.summary(conn, me, currency=services.settings.currency)
    return Dashboard(
        stats=StatsOut(
            total_bookings=stats.total_bookings, pending_bookings=stats.pending_bookings,
            today_bookings=stats.today_bookings, completed_bookings=stats.completed_bookings,
            cancelled_bookings=stats.cancelled_bookings, total_earnings=sums.total_minor,
            pending_payout=sums.payable_minor, rating=stats.rating, is_available=stats.is_available,
        ),
        upcoming_bookings=[job(services, entry) for entry in upcoming],
        recent_earnings=[
            RecentEarning(
                booking_id=e.booking_id, booking_number=e.booking_number, amount=e.earning_minor, currency=e.currency,
                status=e.status, created_at=e.created_at,
            )
            for e in recent
        ],
    )  # fmt: skip


@technician.route("PATCH", "/availability", tags=["me"])
async def availability(services: Services, caller: Technician, body: AvailabilityIn) -> AvailabilityOut:
    """Go online for offers, or offline."""
    position = None
    if body.current_lat is not None and body.current_lng is not None:
        position = (body.current_lat, body.current_lng)
    async with services.transaction() as tx:
        seen_at = await presence.set_available(tx, caller.technician_id, body.is_available, position)
    return AvailabilityOut(is_available=body.is_available, last_seen_at=seen_at)


@technician.route("PUT", "/working-hours", tags=["me"])
async def working_hours(services: Services, caller: Technician, body: WorkingHoursIn) -> WorkingHoursOut:
    """When I work, by the clock of the place; ISO days, Monday is 1 (C80). Over midnight, breaks and each weekday's
    own hours are possible."""
    hours = body.working_hours
    async with services.transaction() as tx:
        kept = await presence.set_working_hours(tx, caller.technician_id, hours.shifts())
    return WorkingHoursOut(working_hours=kept)


@technician.route("GET", "/days-off", tags=["me"])
async def days_off(services: Services, caller: Technician) -> DaysOffOut:
    """The days, from today on, on which I do not work."""
    async with services.read() as conn:
        found = await presence.days_off(conn, services, caller.technician_id)
    return DaysOffOut(days_off=[DayOffOut(date=day) for day in found])


@technician.route("PUT", "/days-off/{date}", tags=["me"])
async def take_day_off(services: Services, caller: Technician, date: date) -> DayOffOut:
    """I do not work on this day; with accepted jobs on it this is refused, and names them."""
    async with services.transaction() as tx:
        await presence.take_off(tx, caller.technician_id, date)
    return DayOffOut(date=date)


@technician.route("DELETE", "/days-off/{date}", tags=["me"])
async def work_day(services: Services, caller: Technician, date: date) -> DayOffOut:
    """I work on this day after all."""
    async with services.transaction() as tx:
        await presence.work_again(tx, caller.technician_id, date)
    return DayOffOut(date=date)


@technician.route("GET", "/why-no-jobs", listing=CHANCES, tags=["me"])
async def why_no_jobs(
    services: Services, caller: Technician, query: WhyQuery, listing: Listing
) -> PageWith[VerdictOut, WhyOut]:
    """Why I got no offers: how often I was considered, and what decided, from the rows that dispatch stored."""
    since = services.clock.now() - timedelta(days=query.days)
    async with services.read() as conn:
        found = await explain.of_technician(conn, caller.technician_id, since, listing.wanted)
    reasons = [ReasonOut(reason=r.reason, times=r.times, bookings=r.bookings, last_at=r.last_at) for r in found.reasons]
    return PageWith.among(found.recent, _verdict, WhyOut(since=since, reasons=reasons))


def _verdict(v: RecentVerdict) -> VerdictOut:
    return VerdictOut(
        at=v.at, reason=v.reason, rank=v.rank, score=v.score, parts=v.parts, distance_m=v.distance_m,
        categories=v.categories, starts_at=v.starts_at,
    )  # fmt: skip
