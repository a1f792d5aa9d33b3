"""Departments: the parts of an organisation, each with who leads it, who approves, and a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.errors import Conflict, Invalid, Missing
from dispatch.parties import budgets
from dispatch.services import Tx
from storage import departments as rows
from storage import members as member_rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn
from storage.departments import Department, Stats

_TAKEN = {
    "departments_code": "There is a department with this code already.",
    "departments_name": "There is a department with this name already.",
}


class DepartmentTaken(Conflict):
    """There is such a department already."""

    code = "conflict"


class DepartmentInUse(Conflict):
    """This department still has members: move them to another first."""

    code = "department_in_use"


@dataclass(frozen=True, slots=True)
class DepartmentIn:
    """`budget_minor` is what it may spend in a month, None leaves it as it is. `approvers` are members."""

    name: str
    code: str
    description: str | None = None
    manager_id: UUID | None = None
    manager_name: str | None = None
    manager_email: str | None = None
    allowed_services: Sequence[str] = ()
    approval_required: bool = False
    approvers: Sequence[UUID] = ()
    budget_minor: int | None = None


def services_in(words: Sequence[str]) -> list[str]:
    """Categories of services in small letters, each once; "all" is none in particular, which allows all."""
    found = list(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    return [] if "all" in found else found


def allows(allowed: Sequence[str], categories: Sequence[str]) -> bool:
    """Whether all of these categories are among what is allowed; an empty list allows everything."""
    return not allowed or all(category.lower() in allowed for category in categories)


async def create(tx: Tx, organisation_id: UUID, new: DepartmentIn, *, today: date, set_by: str) -> Department:
    """Raises DepartmentTaken, Missing (a manager or an approver who is no member), Invalid."""
    await _check(tx, organisation_id, new)
    try:
        department_id = await rows.insert(tx.conn, organisation_id=organisation_id, **_columns(new))
    except StorageError as e:
        raise _taken(e) from e
    assert department_id is not None, "an insert returns its id"
    return await _complete(tx, organisation_id, department_id, new, today, set_by)


async def change(
    tx: Tx, organisation_id: UUID, department_id: UUID, new: DepartmentIn, *, today: date, set_by: str
) -> Department:
    """Puts this in the place of what is there. Raises Missing, DepartmentTaken, Invalid."""
    await _check(tx, organisation_id, new)
    try:
        done = await rows.change(tx.conn, id=department_id, organisation_id=organisation_id, **_columns(new))
    except StorageError as e:
        raise _taken(e) from e
    if done is None:
        raise Missing("department")
    await rows.drop_approvers(tx.conn, department_id=department_id)
    return await _complete(tx, organisation_id, department_id, new, today, set_by)


async def get(conn: Conn, organisation_id: UUID | None, department_id: UUID | None) -> Department:
    """Raises Missing, also for another organisation's."""
    found = await rows.get(conn, id=department_id, organisation_id=organisation_id)
    if found is None:
        raise Missing("department")
    return found


async def hold(tx: Tx, organisation_id: UUID, department_id: UUID) -> None:
    """Until the transaction ends nobody deletes it: whoever joins it finds it there. Raises Missing."""
    if await rows.hold(tx.conn, id=department_id, organisation_id=organisation_id) is None:
        raise Missing("department")


async def of_organisation(conn: Conn, organisation_id: UUID | None, within: UUID | None = None) -> list[Department]:
    """All of them by name, or only the one that somebody is bound to."""
    return await rows.of_organisation(conn, organisation_id=organisation_id, within=within)


async def stats(conn: Conn, organisation_id: UUID, month: date) -> dict[UUID, Stats]:
    """Members, and a month's bookings, by department."""
    found = await rows.stats(conn, organisation_id=organisation_id, month=budgets.month_of(month))
    return {s.id: s for s in found}


async def delete(tx: Tx, organisation_id: UUID, department_id: UUID) -> None:
    """Raises Missing, DepartmentInUse."""
    if await rows.lock(tx.conn, id=department_id, organisation_id=organisation_id) is None:
        raise Missing("department")
    if await rows.delete(tx.conn, id=department_id, organisation_id=organisation_id) is None:
        if await rows.has_series(tx.conn, id=department_id):
            # Its budget would go on being spent where nobody sees it any more.
            raise DepartmentInUse("This department still pays for bookings to come: cancel their series first.")
        raise DepartmentInUse


async def _check(tx: Tx, organisation_id: UUID, new: DepartmentIn) -> None:
    if new.approval_required and not new.approvers:
        raise Invalid({"approvers": "Say who approves, where an approval is required."})
    people = {*new.approvers, *([new.manager_id] if new.manager_id else [])}
    if people and await member_rows.known(tx.conn, organisation_id=organisation_id, ids=list(people)) != len(people):
        raise Missing("user")


async def _complete(
    tx: Tx, organisation_id: UUID, department_id: UUID, new: DepartmentIn, today: date, set_by: str
) -> Department:
    members = list(dict.fromkeys(new.approvers))
    await rows.add_approvers(tx.conn, department_id=department_id, organisation_id=organisation_id, members=members)
    if new.budget_minor is not None:
        known = (await budgets.in_force(tx.conn, organisation_id, today)).get(department_id)
        rules = budgets.Rules() if known is None else budgets.Rules(
            known.allow_overspend, known.alert_threshold_pct, known.approval_above_minor
        )  # fmt: skip
        await budgets.allocate(
            tx, organisation_id, department_id, today, new.budget_minor, rules=rules, set_by=set_by,
            services=known.services if known else (),
        )  # fmt: skip
    return await get(tx.conn, organisation_id, department_id)


def _columns(new: DepartmentIn) -> dict[str, object]:
    return {
        "name": new.name, "code": new.code, "description": new.description, "manager_id": new.manager_id,
        "manager_name": new.manager_name, "manager_email": new.manager_email,
        "allowed_services": services_in(new.allowed_services), "approval_required": new.approval_required,
    }  # fmt: skip


def _taken(error: StorageError) -> Exception:
    text = _TAKEN.get(constraint_of(error) or "")
    return DepartmentTaken(text) if text else error
