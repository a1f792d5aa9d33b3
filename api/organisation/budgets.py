"""Allotting budgets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import ServiceNames, organisation_of, whole_organisation
from api.wire.models import CamelBody, CamelView, Day, Money
from api.wire.results import Reply
from dispatch.engine import audit
from dispatch.errors import Invalid
from dispatch.parties import budgets, departments, organisations, overviews
from dispatch.parties.budgets import Rules
from dispatch.services import Services, Tx
from storage.budgets import Allocation
from storage.database.pool import Conn


class BudgetPeriodIn(CamelBody):
    """From the month of `startDate` on, every month, until another allocation begins."""

    type: Literal["monthly"] = "monthly"
    start_date: Day


class AllocationIn(CamelBody):
    """Without a department it is the whole organisation's."""

    department: UUID | None = None
    amount: Annotated[Money, Field(ge=0)]
    services: ServiceNames = []


class RulesIn(CamelBody):
    allow_overspend: bool = False
    alert_threshold: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(80)
    require_approval_above: Annotated[Money, Field(ge=0)] | None = None


class AllocationBody(CamelBody):
    period: BudgetPeriodIn
    allocations: Annotated[list[AllocationIn], Field(min_length=1, max_length=200)]
    rules: RulesIn = RulesIn()


class AllocationOut(CamelView):
    id: UUID
    department: UUID | None
    department_name: str | None
    amount: Money
    services: list[str]
    allow_overspend: bool
    alert_threshold: float
    require_approval_above: Money | None
    start_date: date
    spent: Money
    reserved: Money
    remaining: Money | None


class AllocationsOut(CamelView):
    """What is allotted in a month, and how it stands."""

    month: date
    currency: str
    allocations: list[AllocationOut]


@organisation.route(
    "POST",
    "/finance/budget-allocation",
    idempotency="optional",
    status=201,
    permission="budgets:write",
    tags=["finance"],
)
async def allocate(services: Services, caller: Member, body: AllocationBody) -> Reply[AllocationsOut]:
    """Allot budgets by the month, all of these or none.

    Example: {"period": {"type": "monthly", "startDate": "2026-02-01"}, "allocations": [{"amount": 30000}],
    "rules": {"allowOverspend": false, "alertThreshold": 80, "requireApprovalAbove": 5000}}
    """
    organisation_id = whole_organisation(caller)
    _once(body)
    rules = Rules(body.rules.allow_overspend, body.rules.alert_threshold, body.rules.require_approval_above)
    async with services.transaction() as tx:
        await organisations.lock(tx, organisation_id)
        for one in body.allocations:
            await _allot(tx, organisation_id, one, body.period.start_date, rules, str(caller.actor.id))
        await audit.record(tx, caller.actor, "budget.allocate", "organisation", organisation_id)
        out = await _allocations(tx.conn, organisation_id, None, body.period.start_date)
    return Reply(out, message="Budget allocated successfully")


@organisation.route("GET", "/finance/budget-allocation", permission="budgets:read", tags=["finance"])
async def get(services: Services, caller: Member) -> AllocationsOut:
    """What is allotted this month, and how it stands; a manager sees their department's."""
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_of(caller))
        today = overviews.today_of(home, services.clock.now())
        return await _allocations(conn, home.id, caller.within, today)


async def _allot(tx: Tx, organisation_id: UUID, one: AllocationIn, start: date, rules: Rules, set_by: str) -> None:
    if one.department is not None:
        await departments.get(tx.conn, organisation_id, one.department)
    await budgets.allocate(
        tx, organisation_id, one.department, start, one.amount, services=departments.services_in(one.services),
        rules=rules, set_by=set_by,
    )  # fmt: skip


def _once(body: AllocationBody) -> None:
    named = [one.department for one in body.allocations]
    if len(set(named)) < len(named):
        raise Invalid({"allocations": "Name each department once."})


async def _allocations(conn: Conn, organisation_id: UUID, within: UUID | None, day: date) -> AllocationsOut:
    home = await organisations.get(conn, organisation_id)
    found = await budgets.in_force(conn, organisation_id, day)
    standing = await budgets.standing(conn, organisation_id, day)
    names = {d.id: d.name for d in await departments.of_organisation(conn, organisation_id)}

    def shown(a: Allocation) -> AllocationOut:
        now = standing[a.department_id]
        return AllocationOut(
            id=a.id, department=a.department_id,
            department_name=names.get(a.department_id) if a.department_id else None,
            amount=a.amount_minor, services=a.services or ["all"], allow_overspend=a.allow_overspend,
            alert_threshold=float(a.alert_threshold_pct), require_approval_above=a.approval_above_minor,
            start_date=a.starts_on, spent=now.spent_minor, reserved=now.reserved_minor, remaining=now.remaining_minor,
        )  # fmt: skip

    chosen = [a for key, a in found.items() if within is None or key == within]
    return AllocationsOut(
        month=budgets.month_of(day), currency=organisations.currency_of(home), allocations=[shown(a) for a in chosen]
    )
