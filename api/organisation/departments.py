"""Departments: who leads them, who approves, what they may spend."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import (
    Code,
    Email,
    Name,
    ServiceNames,
    Words,
    by_of,
    organisation_of,
    whole_organisation,
)
from api.wire.models import CamelBody, CamelView, Currency, Money
from api.wire.results import Message, Reply
from dispatch.engine import audit
from dispatch.errors import Invalid
from dispatch.parties import budgets, departments, organisations, overviews
from dispatch.parties.budgets import Standing
from dispatch.parties.departments import DepartmentIn
from dispatch.services import Services
from storage.database.pool import Conn
from storage.departments import Department, Stats


class LeaderIn(CamelBody):
    """A member by id, or only a name and an address."""

    user_id: UUID | None = None
    name: Name | None = None
    email: Email | None = None


class BudgetIn(CamelBody):
    monthly: Annotated[Money, Field(ge=0)]
    currency: Currency | None = None


class DepartmentBody(CamelBody):
    name: Name
    code: Code
    description: Words | None = None
    manager: LeaderIn | None = None
    budget: BudgetIn | None = None
    allowed_services: ServiceNames = []
    approval_required: bool = False
    approvers: Annotated[list[UUID], Field(max_length=20)] = []


class LeaderOut(CamelView):
    user_id: UUID | None
    name: str | None
    email: str | None


class DepartmentStatsOut(CamelView):
    """Of this month. What is reserved counts as used; `budgetRemaining` is null where nothing is allotted."""

    total_users: int
    active_users: int
    bookings_this_month: int
    budget_used: Money
    budget_remaining: Money | None


class DepartmentOut(CamelView):
    id: UUID
    name: str
    code: str
    description: str | None
    manager: LeaderOut | None
    monthly_budget: Money | None
    allowed_services: list[str]
    approval_required: bool
    approvers: list[UUID]
    stats: DepartmentStatsOut
    created_at: datetime


class DepartmentsOut(CamelView):
    departments: list[DepartmentOut]


class OneDepartmentOut(CamelView):
    department: DepartmentOut


TAGS = ("departments",)


@organisation.route(
    "POST", "/organization/departments", idempotency="optional", status=201, permission="departments:write", tags=TAGS
)
async def create(services: Services, caller: Member, body: DepartmentBody) -> Reply[OneDepartmentOut]:
    """Add a department.

    Example: {"name": "Engineering", "code": "ENG", "budget": {"monthly": 25000, "currency": "PHP"}}
    """
    organisation_id = whole_organisation(caller)
    async with services.transaction() as tx:
        # Before the department, which leans on it: a budget that comes with it waits for the same row.
        home = await organisations.lock(tx, organisation_id)
        new, today = _department(body, organisations.currency_of(home)), overviews.today_of(home, tx.now)
        made = await departments.create(tx, organisation_id, new, today=today, set_by=str(caller.actor.id))
        await audit.record(tx, caller.actor, "department.create", "department", made.id)
    return Reply(await get(services, caller, made.id), message="Department created successfully")


@organisation.route("GET", "/organization/departments", permission="departments:read", tags=TAGS)
async def page(services: Services, caller: Member) -> DepartmentsOut:
    """Every department by name; a manager sees their own."""
    async with services.read() as conn:
        found = await departments.of_organisation(conn, organisation_of(caller), caller.within)
        return DepartmentsOut(departments=await _shown(services, conn, organisation_of(caller), found))


@organisation.route("GET", "/organization/departments/{id}", permission="departments:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneDepartmentOut:
    """One department."""
    async with services.read() as conn:
        found = await departments.get(conn, organisation_of(caller), id)
        by_reach(caller, found.id)
        [shown] = await _shown(services, conn, organisation_of(caller), [found])
    return OneDepartmentOut(department=shown)


@organisation.route("PUT", "/organization/departments/{id}", permission="departments:write", tags=TAGS)
async def change(services: Services, caller: Member, id: UUID, body: DepartmentBody) -> Reply[OneDepartmentOut]:
    """Put this in place of what is there; without a budget the old one stays.

    Example: {"name": "Engineering", "code": "ENG"}
    """
    organisation_id = whole_organisation(caller)
    async with services.transaction() as tx:
        home = await organisations.lock(tx, organisation_id)
        new, today = _department(body, organisations.currency_of(home)), overviews.today_of(home, tx.now)
        await departments.change(tx, organisation_id, id, new, today=today, set_by=str(caller.actor.id))
        await audit.record(tx, caller.actor, "department.change", "department", id)
    return Reply(await get(services, caller, id), message="Department updated")


@organisation.route("DELETE", "/organization/departments/{id}", permission="departments:write", tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID) -> Message:
    """Close a department that has no members any more; what it booked stays."""
    async with services.transaction() as tx:
        await departments.delete(tx, whole_organisation(caller), id)
        await audit.record(tx, caller.actor, "department.delete", "department", id)
    return Message("Department deleted")


def by_reach(caller: Member, department_id: UUID) -> None:
    """Raises OutOfReach for a department that a manager is not bound to."""
    by_of(caller).check_reach(department_id)


def _department(body: DepartmentBody, currency: str) -> DepartmentIn:
    if body.budget and body.budget.currency not in (None, currency):
        raise Invalid({"budget.currency": f"Budgets of this organization are in {currency}."})
    leader = body.manager or LeaderIn()
    return DepartmentIn(
        body.name, body.code, body.description, leader.user_id, leader.name, leader.email, body.allowed_services,
        body.approval_required, body.approvers, body.budget.monthly if body.budget else None,
    )  # fmt: skip


async def _shown(services: Services, conn: Conn, organisation_id: UUID, found: list[Department]) -> list[DepartmentOut]:
    home = await organisations.get(conn, organisation_id)
    today = overviews.today_of(home, services.clock.now())
    stats = await departments.stats(conn, organisation_id, today)
    standing = await budgets.standing(conn, organisation_id, today)
    return [department_out(d, stats.get(d.id), standing.get(d.id)) for d in found]


def department_out(d: Department, stats: Stats | None, budget: Standing | None) -> DepartmentOut:
    has_leader = d.manager_id or d.manager_name or d.manager_email
    return DepartmentOut(
        id=d.id, name=d.name, code=d.code, description=d.description,
        manager=LeaderOut(user_id=d.manager_id, name=d.manager_name, email=d.manager_email) if has_leader else None,
        monthly_budget=budget.amount_minor if budget else None, allowed_services=d.allowed_services or ["all"],
        approval_required=d.approval_required, approvers=d.approvers,
        stats=DepartmentStatsOut(
            total_users=stats.members if stats else 0, active_users=stats.active if stats else 0,
            bookings_this_month=stats.bookings if stats else 0, budget_used=budget.used_minor if budget else 0,
            budget_remaining=budget.remaining_minor if budget else None,
        ),
        created_at=d.created_at,
    )  # fmt: skip
