"""Budgets by the month (R133): what is allotted, and how much of it is reserved and spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from dispatch.errors import Conflict
from dispatch.outbox import messages
from dispatch.services import Tx
from storage import budgets as rows
from storage.budgets import Allocation, Hold, Month
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn

#: Before anybody has set a rule the warning comes at three quarters (C16).
DEFAULT_THRESHOLD_PCT = Decimal(75)


class BudgetTooLow(Conflict):
    """More than this is reserved or spent already."""

    code = "budget_too_low"


class BudgetForOthers(Conflict):
    """This budget is for other services: book those, or ask for one that covers this."""

    code = "budget_for_others"


class BudgetExceeded(Conflict):
    """This is more than the budget has left: ask for a higher one, or book less."""

    code = "budget_exceeded"


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
        """Whether the share of the warning is used, to the minor unit."""
        return bool(self.amount_minor) and 100 * self.used_minor >= self.threshold_pct * (self.amount_minor or 0)


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
    # Months that are being opened just now, by what was allotted before, come first and then follow.
    await rows.hold_allotments(tx.conn, organisation_id=organisation_id)
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


async def approval_line(
    conn: Conn, organisation_id: UUID, department_id: UUID | None, months: Iterable[date]
) -> int | None:
    """Above what something in these months is approved first, by the strictest that concerns it; None: nothing says."""
    lines = []
    for month in months:
        allotted = await in_force(conn, organisation_id, month)
        lines += [allotted[key].approval_above_minor for key in {None, department_id} if key in allotted]
    return min((line for line in lines if line is not None), default=None)


async def standing(conn: Conn, organisation_id: UUID, month: date) -> dict[UUID | None, Standing]:
    """How every budget of a month stands, by department; None is the whole organisation."""
    allotted = await in_force(conn, organisation_id, month)
    first = month_of(month)
    opened: dict[UUID | None, Month] = {
        m.department_id: m
        for m in await rows.months(conn, organisation_id=organisation_id, from_month=first, to_month=first)
    }
    # A department that was closed has nothing to spend any more, whatever its month was opened with.
    closed = {key for key in opened if key is not None and key not in allotted}
    found = {key: _standing(key, allotted.get(key), opened.get(key)) for key in {*allotted, *opened}}
    return {key: replace(one, amount_minor=None) if key in closed else one for key, one in found.items()}


def _of_month(account: Month) -> Standing:
    return Standing(
        account.department_id, account.amount_minor, account.reserved_minor, account.spent_minor,
        account.alert_threshold_pct,
    )  # fmt: skip


def _standing(department_id: UUID | None, allotted: Allocation | None, opened: Month | None) -> Standing:
    if opened is not None:
        return _of_month(opened)
    assert allotted is not None, "one of them is there"
    return Standing(department_id, allotted.amount_minor, 0, 0, allotted.alert_threshold_pct)


# ---------------------------------------------------------------- what bookings take


async def reserve(
    tx: Tx, organisation_id: UUID, department_id: UUID | None, amounts: Mapping[date, int], categories: Sequence[str]
) -> None:
    """Takes so much of each month (its first day), of the department's budget and of the whole organisation's.

    Parallel requests wait for one another. Raises BudgetForOthers where one is allotted for other services than these
    categories, BudgetExceeded where one may not be passed; warns once a month where the threshold is reached.
    """
    await _open(tx, organisation_id, department_id, sorted(amounts), categories)
    await _move(tx, organisation_id, department_id, {month: (amount, 0) for month, amount in amounts.items()})


async def shift(tx: Tx, held: Hold, month: date, categories: Sequence[str]) -> None:
    """What a booking holds is taken of another month. Raises as `reserve`."""
    await _open(tx, held.organisation_id, held.department_id, [month], categories)
    moved = {held.month: (-held.amount_minor, 0), month: (held.amount_minor, 0)}
    await _move(tx, held.organisation_id, held.department_id, moved)


async def _open(
    tx: Tx, organisation_id: UUID, department_id: UUID | None, months: Sequence[date], categories: Sequence[str]
) -> None:
    """The accounts of these months are there, and are for these services. Raises BudgetForOthers."""
    await rows.read_allotments(tx.conn, organisation_id=organisation_id)
    if await rows.for_others(
        tx.conn, organisation_id=organisation_id, department_id=department_id, months=months,
        categories=[category.lower() for category in categories],
    ):  # fmt: skip
        raise BudgetForOthers
    for month in months:
        for whose in dict.fromkeys((None, department_id)):
            await rows.open_month(tx.conn, organisation_id=organisation_id, department_id=whose, month=month)


async def release(tx: Tx, organisation_id: UUID, department_id: UUID | None, amounts: Mapping[date, int]) -> None:
    """Gives back what was reserved."""
    await _move(tx, organisation_id, department_id, {month: (-amount, 0) for month, amount in amounts.items()})


async def hold_for(
    tx: Tx, booking_id: UUID, organisation_id: UUID, department_id: UUID | None, month: date, amount_minor: int
) -> None:
    """Notes that this booking holds what is reserved already, to be spent or given back with it."""
    await rows.hold(
        tx.conn, booking_id=booking_id, organisation_id=organisation_id, department_id=department_id, month=month,
        amount_minor=amount_minor,
    )  # fmt: skip


async def settle(
    tx: Tx, organisation_id: UUID, department_id: UUID | None, month: date, amount_minor: int, *, spent_minor: int
) -> None:
    """A booking is over: of what it held so much is spent, the rest given back."""
    await _move(tx, organisation_id, department_id, {month: (-amount_minor, spent_minor)})


async def _move(
    tx: Tx, organisation_id: UUID, department_id: UUID | None, moved: Mapping[date, tuple[int, int]]
) -> None:
    months = sorted(moved)
    try:
        after = await rows.move(
            tx.conn, organisation_id=organisation_id, department_id=department_id, months=months,
            reserved=[moved[m][0] for m in months], spent=[moved[m][1] for m in months],
        )  # fmt: skip
    except StorageError as e:
        if constraint_of(e) == "budget_never_passed":
            raise BudgetExceeded from e
        raise
    for account in after:
        is_warned = _of_month(account).is_warned
        if is_warned and account.alerted_at is None and await rows.warned(tx.conn, id=account.id):
            await _warn(tx, account)


async def _warn(tx: Tx, account: Month) -> None:
    """Writes to those who answer for it, once a month: a share of the budget is used."""
    whom = await rows.warn_whom(tx.conn, organisation_id=account.organisation_id, department_id=account.department_id)
    used = _of_month(account).utilization_pct
    for one in whom:
        await messages.enqueue(
            tx, "email", one.email, "budget_warning",
            {"whose": one.name, "percent": f"{used:g}", "month": f"{account.month:%B %Y}"},
        )  # fmt: skip
