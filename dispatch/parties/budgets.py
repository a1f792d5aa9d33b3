"""Budgets by the month (R133): what is allotted, and how much of it is reserved and spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dispatch.errors import Conflict
from dispatch.services import Tx
from storage import budgets as rows
from storage.budgets import Allocation, Month
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn

#: Before anybody has set a rule the warning comes at three quarters (C16).
DEFAULT_THRESHOLD_PCT = Decimal(75)


class BudgetTooLow(Conflict):
    """More than this is reserved or spent already."""

    code = "budget_too_low"


@dataclass(frozen=True, slots=True)
class Rules:
    """`approval_above_minor`: what costs more needs an approval, whoever asks for it."""

    allow_overspend: bool = True
    alert_threshold_pct: Decimal = DEFAULT_THRESHOLD_PCT
    approval_above_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget in one month. `amount_minor` None: nothing is allotted."""

    department_id: UUID | None
    amount_minor: int | None
    reserved_minor: int
    spent_minor: int
    threshold_pct: Decimal

    @property
    def used_minor(self) -> int:
        return self.reserved_minor + self.spent_minor

    @property
    def remaining_minor(self) -> int | None:
        return None if self.amount_minor is None else self.amount_minor - self.used_minor

    @property
    def utilization_pct(self) -> float:
        """How much of it is used, to a tenth; 0 where nothing is allotted."""
        return round(100 * self.used_minor / self.amount_minor, 1) if self.amount_minor else 0.0

    @property
    def is_warned(self) -> bool:
        return bool(self.amount_minor) and Decimal(str(self.utilization_pct)) >= self.threshold_pct


def month_of(day: date) -> date:
    return day.replace(day=1)


async def allocate(
    tx: Tx,
    organisation_id: UUID,
    department_id: UUID | None,
    starts_on: date,
    amount_minor: int,
    *,
    services: Sequence[str] = (),
    rules: Rules,
    set_by: str,
) -> UUID:
    """Allots so much a month from the month of `starts_on` on, until another allocation begins.

    Months that have begun follow. Raises BudgetTooLow where that would fall below what is committed and overspending
    is not allowed.
    """
    month = month_of(starts_on)
    allocation_id = await rows.allocate(
        tx.conn, organisation_id=organisation_id, department_id=department_id, starts_on=month,
        amount_minor=amount_minor, services=list(services), allow_overspend=rules.allow_overspend,
        alert_threshold_pct=rules.alert_threshold_pct, approval_above_minor=rules.approval_above_minor, set_by=set_by,
    )  # fmt: skip
    assert allocation_id is not None, "an upsert returns its id"
    try:
        await rows.apply(tx.conn, organisation_id=organisation_id, department_id=department_id, starts_on=month)
    except StorageError as e:
        if constraint_of(e) == "budget_never_passed":
            raise BudgetTooLow from e
        raise
    return allocation_id


async def in_force(conn: Conn, organisation_id: UUID, month: date) -> dict[UUID | None, Allocation]:
    """What is allotted in a month, by department; None is the whole organisation."""
    found = await rows.in_force(conn, organisation_id=organisation_id, month=month_of(month))
    return {allocation.department_id: allocation for allocation in found}


async def standing(conn: Conn, organisation_id: UUID, month: date) -> dict[UUID | None, Standing]:
    """How every budget of a month stands, by department; None is the whole organisation."""
    allotted = await in_force(conn, organisation_id, month)
    first = month_of(month)
    opened: dict[UUID | None, Month] = {
        m.department_id: m
        for m in await rows.months(conn, organisation_id=organisation_id, from_month=first, to_month=first)
    }
    return {key: _standing(key, allotted.get(key), opened.get(key)) for key in {*allotted, *opened}}


def _standing(department_id: UUID | None, allotted: Allocation | None, opened: Month | None) -> Standing:
    if opened is not None:
        return Standing(
            department_id, opened.amount_minor, opened.reserved_minor, opened.spent_minor, opened.alert_threshold_pct
        )
    assert allotted is not None, "one of them is there"
    return Standing(department_id, allotted.amount_minor, 0, 0, allotted.alert_threshold_pct)
