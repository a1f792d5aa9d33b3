"""How our people use what we book, how those who serve us do, and who has not been about."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import by_of, organisation_of, whole_organisation
from api.wire.models import CamelQuery, CamelView, Money
from dispatch.parties import finances, members, organisations, overviews
from dispatch.parties.finances import PeriodName
from dispatch.services import Services
from storage import organisation_analytics as rows
from storage.organisation_analytics import Provider

TAGS = ("analytics",)
UNUSED_DAYS = 90


class UsageQuery(CamelQuery):
    """`groupBy` leaves out the other groupings."""

    period: PeriodName = "month"
    group_by: Literal["department", "service", "user", "location"] | None = None


class UsageOut(CamelView):
    """`userAdoptionRate`: who booked, of all members, in per cent."""

    total_bookings: int
    active_users: int
    user_adoption_rate: float
    average_bookings_per_user: float


class DepartmentOut(CamelView):
    department: str
    users: int
    active_users: int
    bookings: int
    spent: Money
    top_service: str | None


class ServiceOut(CamelView):
    """`repeatRate`: who booked it again, in per cent of its users."""

    service: str
    bookings: int
    users: int
    satisfaction: float | None
    repeat_rate: float


class UserOut(CamelView):
    user_id: UUID
    name: str
    bookings: int
    spent: Money


class LocationOut(CamelView):
    location: str
    bookings: int
    spent: Money


class DayOut(CamelView):
    date: date
    bookings: int
    users: int


class TrendsOut(CamelView):
    daily: list[DayOut]


class SatisfactionOut(CamelView):
    average: float | None
    distribution: dict[str, int]


class AnalyticsOut(CamelView):
    overview: UsageOut
    by_department: list[DepartmentOut]
    by_service: list[ServiceOut]
    by_user: list[UserOut]
    by_location: list[LocationOut]
    trends: TrendsOut
    satisfaction: SatisfactionOut


class ProviderStatsOut(CamelView):
    total_bookings: int
    completion_rate: float
    average_rating: float | None
    response_time: str | None
    on_time_rate: float | None


class SavingsOut(CamelView):
    """`discount`: what was saved, in per cent of what it would have cost."""

    discount: float
    total_saved: Money


class IssuesOut(CamelView):
    complaints: int
    resolved: int
    pending: int


class ProviderOut(CamelView):
    provider_id: UUID
    name: str
    services: list[str]
    stats: ProviderStatsOut
    savings: SavingsOut
    issues: IssuesOut


class ProvidersOut(CamelView):
    providers: list[ProviderOut]


class UnusedUserOut(CamelView):
    user_id: UUID
    name: str
    email: str | None
    role: str
    status: str
    last_active_at: datetime | None
    enrolled_at: datetime


class UnusedKeyOut(CamelView):
    id: UUID
    name: str
    key: str
    last_used_at: datetime | None
    created_at: datetime


class ReviewOut(CamelView):
    days: int
    users: list[UnusedUserOut]
    api_keys: list[UnusedKeyOut]


@organisation.route("GET", "/analytics/usage", permission="analytics:read", tags=TAGS)
async def usage(services: Services, caller: Member, query: UsageQuery) -> AnalyticsOut:
    """Who books what, how often, and how content they are; a manager sees their department's."""
    by = by_of(caller)
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        span = finances.span_of(query.period, overviews.today_of(home, services.clock.now()))
        chosen = {
            "organisation_id": home.id, "within": by.within, "from_day": span.start, "to_day": span.end,
        }  # fmt: skip
        wanted = query.group_by
        found = await rows.overview(conn, **chosen)
        totals = await members.totals(conn, by)
        places = await rows.by_department(conn, **chosen) if wanted in (None, "department") else []
        kinds = await rows.by_service(conn, **chosen) if wanted in (None, "service") else []
        people = await rows.by_user(conn, **chosen) if wanted == "user" else []
        spots = await rows.by_location(conn, **chosen) if wanted == "location" else []
        days, stars = await rows.by_day(conn, **chosen), await rows.stars(conn, **chosen)
    assert found is not None, "an aggregate always has a row"
    given = {str(n): 0 for n in (5, 4, 3, 2, 1)} | {str(s.stars): s.count for s in stars}
    return AnalyticsOut(
        overview=UsageOut(
            total_bookings=found.bookings, active_users=found.users,
            user_adoption_rate=_percent(found.users, totals.total),
            average_bookings_per_user=round(found.bookings / found.users, 1) if found.users else 0.0,
        ),
        by_department=[
            DepartmentOut(
                department=d.department, users=d.users, active_users=d.active_users, bookings=d.bookings,
                spent=d.spent_minor, top_service=d.top_service,
            )
            for d in places
        ],
        by_service=[
            ServiceOut(
                service=s.service, bookings=s.bookings, users=s.users, satisfaction=s.satisfaction,
                repeat_rate=_percent(s.again, s.users),
            )
            for s in kinds
        ],
        by_user=[UserOut(user_id=u.id, name=u.name, bookings=u.bookings, spent=u.spent_minor) for u in people],
        by_location=[LocationOut(location=s.location, bookings=s.bookings, spent=s.spent_minor) for s in spots],
        trends=TrendsOut(daily=[DayOut(date=d.day, bookings=d.bookings, users=d.users) for d in days]),
        satisfaction=SatisfactionOut(average=_rounded(found.rating, 1), distribution=given),
    )  # fmt: skip


@organisation.route("GET", "/analytics/providers", permission="analytics:read", tags=TAGS)
async def providers(services: Services, caller: Member) -> ProvidersOut:
    """How those who work for us do. Complaints are tickets of the category service that name a booking."""
    async with services.read() as conn:
        found = await rows.providers(conn, organisation_id=organisation_of(caller), within=caller.within)
    return ProvidersOut(providers=[provider_out(p) for p in found])


@organisation.route("GET", "/organization/access-review", permission="users:write", tags=["users"])
async def access_review(services: Services, caller: Member) -> ReviewOut:
    """Members and keys that nobody has used for 90 days."""
    organisation_id = whole_organisation(caller)
    async with services.read() as conn:
        people = await rows.unused_members(conn, organisation_id=organisation_id, days=UNUSED_DAYS)
        keys = await rows.unused_keys(conn, organisation_id=organisation_id, days=UNUSED_DAYS)
    return ReviewOut(
        days=UNUSED_DAYS,
        users=[
            UnusedUserOut(
                user_id=u.id, name=f"{u.first_name} {u.last_name}".strip(), email=u.email, role=u.role, status=u.status,
                last_active_at=u.last_active_at, enrolled_at=u.enrolled_at,
            )
            for u in people
        ],
        api_keys=[
            UnusedKeyOut(
                id=k.id, name=k.name, key=k.public_key, last_used_at=k.last_used_at, created_at=k.created_at
            )
            for k in keys
        ],
    )  # fmt: skip


def provider_out(p: Provider) -> ProviderOut:
    return ProviderOut(
        provider_id=p.id, name=p.name, services=sorted(p.services or []),
        stats=ProviderStatsOut(
            total_bookings=p.bookings, completion_rate=_percent(p.completed, p.ended),
            average_rating=_rounded(p.rating, 1), response_time=_spoken(p.response_s),
            on_time_rate=_percent(p.on_time, p.arrived) if p.arrived else None,
        ),
        savings=SavingsOut(discount=_percent(p.saved_minor, p.would_minor), total_saved=p.saved_minor),
        issues=IssuesOut(complaints=p.complaints, resolved=p.resolved, pending=p.complaints - p.resolved),
    )  # fmt: skip


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _spoken(seconds: float | None) -> str | None:
    """2 hours, 5 minutes: to the unit that says enough."""
    if seconds is None:
        return None
    amount, unit = (seconds / 3600, "hour") if seconds >= 3600 else (max(seconds / 60, 1), "minute")
    number = round(amount)
    return f"{number} {unit}{'' if number == 1 else 's'}"
