"""The organisation's money: the overview, and reports as files."""

from __future__ import annotations

import io
from datetime import date
from typing import Literal
from uuid import UUID

from api.audiences import Member, organisation
from api.organisation.fields import by_of, organisation_of
from api.wire.models import CamelQuery, CamelView, Day, Money
from api.wire.results import File, Reply
from dispatch.engine import files
from dispatch.engine.files import Owner
from dispatch.errors import Invalid
from dispatch.parties import budgets, departments, finances, organisations, overviews
from dispatch.parties.budgets import Standing
from dispatch.parties.finances import PeriodName, ReportType, Span
from dispatch.reports.rows import CONTENT_TYPES, Format
from dispatch.services import Services
from storage.database.pool import Conn
from storage.departments import Department
from storage.organisations import Organisation

#: The contract's words for the kinds of files.
FORMATS: dict[str, Format] = {"pdf": "pdf", "excel": "xlsx", "xlsx": "xlsx", "csv": "csv"}
TAGS = ("finance",)


class OverviewQuery(CamelQuery):
    period: Literal["month", "quarter", "year"] = "month"
    department: UUID | None = None


class ReportQuery(CamelQuery):
    """Either a period that today lies in, or days of one's own. `delivery=url` answers an address, not the file."""

    type: ReportType = "summary"
    format: Literal["pdf", "excel", "xlsx", "csv"] = "pdf"
    period: PeriodName = "month"
    start_date: Day | None = None
    end_date: Day | None = None
    department: UUID | None = None
    delivery: Literal["file", "url"] = "file"


class SumsOut(CamelView):
    """`totalSpent` is of the period; the budget is this month's, what is reserved counts as used."""

    total_spent: Money
    monthly_budget: Money | None
    budget_used: Money
    budget_remaining: Money | None
    currency: str


class DepartmentOut(CamelView):
    department: str
    budget: Money | None
    spent: Money
    remaining: Money | None
    utilization: float


class ServiceOut(CamelView):
    """`amount` is before tax and discount, `percentage` of all such amounts."""

    service: str
    bookings: int
    amount: Money
    percentage: float


class MonthOut(CamelView):
    month: str
    spent: Money
    bookings: int


class TrendsOut(CamelView):
    monthly: list[MonthOut]


class UpcomingOut(CamelView):
    pending_bookings: int
    estimated_amount: Money


class OverviewOut(CamelView):
    overview: SumsOut
    by_department: list[DepartmentOut]
    by_service: list[ServiceOut]
    trends: TrendsOut
    upcoming_charges: UpcomingOut


class LinkOut(CamelView):
    """Good for some minutes; the file itself is kept for a week."""

    download_url: str
    filename: str


@organisation.route("GET", "/finance/overview", permission="finance:read", tags=TAGS)
async def overview(services: Services, caller: Member, query: OverviewQuery) -> OverviewOut:
    """What was spent in this month, quarter or year, on what; a manager sees their department's."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        within = await _within(conn, caller, query.department)
        today = overviews.today_of(home, services.clock.now())
        found = await finances.overview(conn, home.id, within, finances.span_of(query.period, today))
        standing = await budgets.standing(conn, home.id, today)
        places = await departments.of_organisation(conn, home.id, within)
    seen = {key: s for key, s in standing.items() if within is None or key == within}
    budget, totals = overviews.whole_budget(seen, within), found.totals
    net = sum(s.amount_minor for s in found.services)
    return OverviewOut(
        overview=SumsOut(
            total_spent=totals.spent_minor, monthly_budget=budget.amount_minor if budget else None,
            budget_used=budget.used_minor if budget else 0,
            budget_remaining=budget.remaining_minor if budget else None, currency=organisations.currency_of(home),
        ),
        by_department=[_department(d, seen.get(d.id)) for d in places],
        by_service=[
            ServiceOut(
                service=s.service, bookings=s.bookings, amount=s.amount_minor,
                percentage=round(100 * s.amount_minor / net, 1) if net else 0.0,
            )
            for s in found.services
        ],
        trends=TrendsOut(monthly=[
            MonthOut(month=f"{m.month:%Y-%m}", spent=m.spent_minor, bookings=m.bookings) for m in found.months
        ]),
        upcoming_charges=UpcomingOut(
            pending_bookings=found.upcoming.bookings, estimated_amount=found.upcoming.amount_minor
        ),
    )  # fmt: skip


@organisation.route("GET", "/finance/reports", permission="finance:read", tags=TAGS)
async def report(services: Services, caller: Member, query: ReportQuery) -> File | Reply[LinkOut]:
    """A report as a file: pdf, excel or csv; `delivery=url` answers where it can be fetched."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        within = await _within(conn, caller, query.department)
    span = span_of(query, home, services)
    form = FORMATS[query.format]
    name = f"{query.type}-{span.start.isoformat()}-{span.end.isoformat()}.{form}"
    pieces = finances.report(services, home, query.type, form, within, span)
    if query.delivery == "file":
        return File(pieces, name, CONTENT_TYPES[form])
    content = io.BytesIO()
    async for piece in pieces:
        content.write(piece)
    content.seek(0)
    kept = await files.add(services, "export", Owner("organisation", home.id), name, content, caller.actor)
    return Reply(LinkOut(download_url=files.link_to(services, kept), filename=name), message="The report is ready")


def span_of(query: ReportQuery, home: Organisation, services: Services) -> Span:
    """The days that a report is about. Raises Invalid."""
    today: date = overviews.today_of(home, services.clock.now())
    whole = finances.span_of(query.period, today)
    span = Span(query.start_date or whole.start, query.end_date or (today if query.start_date else whole.end))
    if span.end < span.start:
        raise Invalid({"endDate": "must not be before startDate"})
    return span


async def _within(conn: Conn, caller: Member, department: UUID | None) -> UUID | None:
    """The department that is looked at. Raises Missing, OutOfReach."""
    if department is None:
        return caller.within
    found = await departments.get(conn, organisation_of(caller), department)
    by_of(caller).check_reach(found.id)
    return found.id


def _department(d: Department, budget: Standing | None) -> DepartmentOut:
    if budget is None:
        return DepartmentOut(department=d.name, budget=None, spent=0, remaining=None, utilization=0.0)
    return DepartmentOut(
        department=d.name,
        budget=budget.amount_minor,
        spent=budget.used_minor,
        remaining=budget.remaining_minor,
        utilization=budget.utilization_pct,
    )
