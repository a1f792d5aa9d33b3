"""How the organisation stands today."""

from __future__ import annotations

from api.audiences import Member, organisation
from api.organisation.fields import by_of, organisation_of
from api.wire.models import CamelView, Money
from dispatch.parties import budgets, departments, organisations, overviews
from dispatch.parties.budgets import Standing
from dispatch.parties.overviews import Sums
from dispatch.services import Services


class WhoOut(CamelView):
    name: str
    type: str
    status: str


class UsersOut(CamelView):
    """`byDepartment` counts members by the department's name."""

    total: int
    active: int
    pending: int
    by_department: dict[str, int]


class ServicesOut(CamelView):
    """`totalBookings` are this month's."""

    total_bookings: int
    pending_bookings: int
    completed_this_month: int
    upcoming_scheduled: int


class BudgetOut(CamelView):
    """Of this month; what is reserved counts as spent. `monthly` null: nothing is allotted. `utilization` in %."""

    monthly: Money | None
    spent: Money
    remaining: Money | None
    utilization: float


class AlertOut(CamelView):
    type: str
    message: str
    priority: str


class OverviewOut(CamelView):
    organization: WhoOut
    users: UsersOut
    services: ServicesOut
    budget: BudgetOut
    alerts: list[AlertOut]


class OneOverviewOut(CamelView):
    overview: OverviewOut


@organisation.route("GET", "/organization/overview", permission="organization:read", tags=["organisations"])
async def get(services: Services, caller: Member) -> OneOverviewOut:
    """People, bookings, budget and warnings of today; a manager sees their department's."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        now = services.clock.now()
        today = overviews.today_of(home, now)
        sums = await overviews.sums(conn, home, now, by_of(caller).within)
        standing = await budgets.standing(conn, home.id, today)
        places = await departments.of_organisation(conn, home.id, caller.within)
        counts = await departments.stats(conn, home.id, today)
    names = {d.id: d.name for d in places}
    seen = {key: s for key, s in standing.items() if caller.within is None or key == caller.within}
    return OneOverviewOut(overview=OverviewOut(
        organization=WhoOut(name=home.name, type=home.org_type, status=home.status),
        users=UsersOut(
            total=sums.users.total, active=sums.users.active, pending=sums.users.pending,
            by_department={d.name: counts[d.id].members for d in places if d.id in counts},
        ),
        services=_services(sums), budget=budget_out(overviews.whole_budget(seen, caller.within), sums),
        alerts=[
            alert_out(s, names.get(key, "this department") if key else None)
            for key, s in seen.items() if s.is_warned
        ],
    ))  # fmt: skip


def budget_out(budget: Standing | None, sums: Sums) -> BudgetOut:
    if budget is None:
        return BudgetOut(monthly=None, spent=sums.bookings.month_minor, remaining=None, utilization=0.0)
    return BudgetOut(
        monthly=budget.amount_minor,
        spent=budget.used_minor,
        remaining=budget.remaining_minor,
        utilization=budget.utilization_pct,
    )


def alert_out(budget: Standing, department: str | None) -> AlertOut:
    """A warning that a budget is nearly used up, or more than that."""
    whose = f" of {department}" if department else ""
    is_over = budget.amount_minor is not None and budget.used_minor >= budget.amount_minor
    return AlertOut(
        type="budget_warning",
        message=f"Budget utilization{whose} at {budget.utilization_pct}%",
        priority="high" if is_over else "medium",
    )


def _services(sums: Sums) -> ServicesOut:
    found = sums.bookings
    return ServicesOut(
        total_bookings=found.this_month,
        pending_bookings=found.pending,
        completed_this_month=found.completed_this_month,
        upcoming_scheduled=found.upcoming,
    )
