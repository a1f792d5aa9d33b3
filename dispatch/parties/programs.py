"""Programs: benefits for members, and what local governments and schools run for their people.

A member books under a program by the customer checkout (billing/member_bookings.py); its rules are looked at there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from dispatch.engine import audit, waking
from dispatch.errors import Conflict, Invalid, Missing, NotAllowed
from dispatch.localtime import local
from dispatch.outbox import messages
from dispatch.parties import academic_terms, budgets, organisations
from dispatch.parties.departments import allows, services_in
from dispatch.parties.members import By
from dispatch.services import Tx
from dispatch.wording import counted
from storage import departments as department_rows
from storage import programs as rows
from storage.academic_terms import Term
from storage.database.errors import StorageError, constraint_of
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.members import Member
from storage.programs import Program, Stats, TopService, Used

LIST = rows.of_organisation
#: Which kinds only some organisations may have (R41).
ONLY_FOR: Mapping[str, str] = {"community_program": "lgu", "emergency_response": "lgu", "student_services": "school"}
_WHOSE = {"lgu": "local governments", "school": "schools"}
_MONTHS = {"monthly": 1, "quarterly": 3, "semester": 6, "annual": 12}


class NotYourKind(NotAllowed):
    """Programs of this kind are for other organisations."""

    code = "program_not_allowed"


class NotEligible(NotAllowed):
    """You are not among those whom this program is for."""

    code = "not_eligible"


class ProgramClosed(Conflict):
    """This program is not open just now."""

    code = "program_closed"


class ProgramRule(Conflict):
    """This program does not allow that."""

    code = "program_rule"


class CreditUsedUp(Conflict):
    """This costs more than is left of your credit in this program."""

    code = "credit_used_up"


class ProgramUsedUp(Conflict):
    """This costs more than is left of the program's budget."""

    code = "program_used_up"


class ByAuthority(Conflict):
    """An emergency program is opened and closed by the authorities that it names."""

    code = "by_authority"


class NotAuthority(NotAllowed):
    """Only the authorities that the program names may do this."""

    code = "not_authority"


@dataclass(frozen=True, slots=True)
class NewProgram:
    """`departments` empty: all. `credit_minor` is given to each member in each period of `frequency`.

    `academic_year`: it goes by a school's terms of that year, once they are told before it is made. Without days of its
    own a program lasts as long as those terms, else a year from today.
    """

    kind: str
    name: str
    starts_on: date | None = None
    ends_on: date | None = None
    description: str | None = None
    departments: Sequence[UUID] = ()
    employment: Sequence[str] = ()
    tenure_months: int | None = None
    segments: Sequence[str] = ()
    credit_minor: int | None = None
    frequency: str | None = None
    rollover: bool = False
    allowed_services: Sequence[str] = ()
    month_bookings: int | None = None
    advance_days: int | None = None
    cancel_hours: int | None = None
    budget_minor: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True
    academic_year: str | None = None


async def create(tx: Tx, by: By, new: NewProgram) -> Program:
    """Raises NotVerified, NotYourKind, Invalid, Missing (a department, a provider)."""
    home = await organisations.active(tx.conn, by.organisation_id)
    wanted = ONLY_FOR.get(new.kind)
    if wanted is not None and home.org_type != wanted:
        raise NotYourKind(f"Programs of this kind are for {_WHOSE[wanted]}.")
    terms = await academic_terms.of_year(tx.conn, home.id, new.academic_year) if new.academic_year else []
    starts_on, ends_on = _span(new, terms, local(tx.now, organisations.timezone_of(home)).date())
    if ends_on < starts_on:
        raise Invalid({"validity.endDate": "The end lies before the start."})
    approved = new.details.get("providers", {}).get("preApproved", [])
    if len(await rows.providers(tx.conn, ids=[UUID(one) for one in approved])) < len(set(approved)):
        raise Missing("provider")
    for department_id in new.departments:
        if await department_rows.get(tx.conn, id=department_id, organisation_id=home.id) is None:
            raise Missing("department")
    program_id = await rows.insert(
        tx.conn, organisation_id=home.id, kind=new.kind, name=new.name, description=new.description,
        status="active" if new.is_active else "inactive", departments=list(new.departments),
        employment=[word.lower() for word in new.employment], tenure_months=new.tenure_months,
        segments=[word.lower() for word in new.segments], credit_minor=new.credit_minor,
        currency=organisations.currency_of(home), frequency=new.frequency if new.credit_minor is not None else None,
        rollover=new.rollover, allowed_services=services_in(new.allowed_services), month_bookings=new.month_bookings,
        advance_days=new.advance_days, cancel_hours=new.cancel_hours, budget_minor=new.budget_minor,
        details=dict(new.details), starts_on=starts_on, ends_on=ends_on,
        academic_year=new.academic_year if terms else None,
    )  # fmt: skip
    assert program_id is not None, "an insert returns its id"
    await audit.record(tx, by.actor, "program.create", "program", program_id)
    return await get(tx.conn, by.organisation_id, program_id)


def _span(new: NewProgram, terms: Sequence[Term], today: date) -> tuple[date, date]:
    starts_on = new.starts_on or (terms[0].starts_on if terms else today)
    ends_on = new.ends_on or (terms[-1].ends_on if terms else starts_on + timedelta(days=365))
    return starts_on, ends_on


async def get(conn: Conn, organisation_id: UUID, program_id: UUID) -> Program:
    """Raises Missing."""
    found = await rows.get(conn, id=program_id, organisation_id=organisation_id)
    if found is None:
        raise Missing("program")
    return found


async def page(conn: Conn, organisation_id: UUID, wanted: Wanted) -> Slice[Program]:
    return await LIST.page(conn, wanted, organisation_id=organisation_id)


async def stats(conn: Conn, ids: Sequence[UUID]) -> dict[UUID, tuple[Stats, list[TopService]]]:
    """How programs are used: by how many, for how much, and for what mostly."""
    tops = await rows.top_services(conn, ids=list(ids))
    return {s.id: (s, [t for t in tops if t.program_id == s.id][:5]) for s in await rows.stats(conn, ids=list(ids))}


def total_minor(program: Program, eligible: int) -> int:
    """What a program may come to: its budget, else the credit of everybody who is eligible."""
    return program.budget_minor if program.budget_minor is not None else eligible * (program.credit_minor or 0)


async def set_status(tx: Tx, by: By, program_id: UUID, status: str) -> Program:
    """Closed ("inactive") nobody books under it any more, until it is opened again; what is booked stays.

    Raises Missing, ByAuthority, ProgramClosed once its last day is over.
    """
    program = await rows.lock(tx.conn, id=program_id, organisation_id=by.organisation_id)
    if program is None:
        raise Missing("program")
    if program.kind == "emergency_response":
        raise ByAuthority
    if program.status == "ended":
        raise ProgramClosed("The last day of this program is over.")
    if await rows.set_status(tx.conn, id=program.id, status=status):
        changes = {"status": {"old": program.status, "new": status}}
        await audit.record(tx, by.actor, "program.status", "program", program.id, changes)
    return await get(tx.conn, by.organisation_id, program_id)


async def activate(
    tx: Tx, by: By, program_id: UUID, event: str, level: str, authority: str, providers: Sequence[UUID] | None = None
) -> Program:
    """An authority that the program names opens it: it is booked without lead time, and `providers` are asked first.

    Unsaid, they are the pre-approved ones where those are activated by themselves, else nobody; they are written to.
    Raises Missing, NotAuthority, Invalid, ProgramClosed.
    """
    program = await _lock_emergency(tx, by, program_id, authority)
    protocol = program.details.get("activationProtocol", {})
    bad = {
        name: "The program does not name this one."
        for name, value, known in (
            ("event", event, protocol.get("triggerEvents", [])), ("level", level, protocol.get("responseLevels", []))
        )
        if value not in known
    }  # fmt: skip
    known = program.details.get("providers", {})
    approved = [UUID(one) for one in known.get("preApproved", [])]
    if providers is None:
        providers = approved if known.get("autoActivate") else ()
    if set(providers) - set(approved):
        bad["providers"] = "Only providers that the program has approved before can be activated."
    if bad:
        raise Invalid(bad)
    activation = {
        "event": event, "level": level, "authority": authority, "by": str(by.actor.id), "at": tx.now.isoformat(),
        "providers": [str(one) for one in providers],
    }  # fmt: skip
    await rows.activate(tx.conn, id=program.id, status="active", activation=activation)
    await waking.rules_changed(tx, by.organisation_id)
    home = await organisations.get(tx.conn, by.organisation_id)
    told = {"organisation": home.name, "program": program.name, "event": event, "level": level}
    for one in await rows.providers(tx.conn, ids=list(providers)):
        if one.email:
            await messages.enqueue(tx, "email", one.email, "emergency_opened", told)
    await audit.record(tx, by.actor, "program.activate", "program", program.id, {"event": event, "level": level})
    return await get(tx.conn, by.organisation_id, program_id)


async def deactivate(tx: Tx, by: By, program_id: UUID, authority: str) -> Program:
    """Raises Missing, NotAuthority, ProgramClosed."""
    program = await _lock_emergency(tx, by, program_id, authority)
    if program.activation is None:
        raise ProgramClosed("This program is not activated.")
    await rows.activate(tx.conn, id=program.id, status="inactive", activation=None)
    await audit.record(tx, by.actor, "program.deactivate", "program", program.id)
    return await get(tx.conn, by.organisation_id, program_id)


async def _lock_emergency(tx: Tx, by: By, program_id: UUID, authority: str) -> Program:
    program = await rows.lock(tx.conn, id=program_id, organisation_id=by.organisation_id)
    if program is None or program.kind != "emergency_response":
        raise Missing("program")
    if authority not in program.details.get("activationProtocol", {}).get("authorities", []):
        raise NotAuthority
    if program.status == "ended":
        raise ProgramClosed
    return program


# ---------------------------------------------------------------- using one


async def is_urgent(conn: Conn, organisation_id: UUID | None, program_id: UUID | None) -> bool:
    """Whether it is an emergency program that is open just now: then somebody may come at once."""
    if organisation_id is None or program_id is None:
        return False
    found = await rows.get(conn, id=program_id, organisation_id=organisation_id)
    return found is not None and found.status == "active" and found.activation is not None


async def mark(tx: Tx, program: Program, booking_id: UUID) -> None:
    """A new booking is under this program."""
    await rows.bind(tx.conn, id=program.id, booking_id=booking_id)


async def use(
    tx: Tx, program: Program, member: Member, booking_id: UUID, categories: Sequence[str], day: date, today: date,
    amount_minor: int,
) -> None:  # fmt: skip
    """A member books under a program: its rules hold, and neither its credit nor its budget goes below nothing.

    Raises ProgramClosed, NotEligible, ProgramRule, CreditUsedUp, ProgramUsedUp.
    """
    if program.status != "active" or not program.starts_on <= day <= program.ends_on:
        raise ProgramClosed
    if not await rows.is_eligible(tx.conn, id=program.id, member_id=member.id):
        raise NotEligible
    if not allows(program.allowed_services, categories):
        raise ProgramRule("This program is for other services.")
    if program.advance_days is not None and day < today + timedelta(days=program.advance_days):
        least = counted(program.advance_days, "day")
        raise ProgramRule(f"Under this program bookings are made at least {least} ahead.")
    month = budgets.month_of(day)
    if program.month_bookings is not None:
        used = await rows.in_month(tx.conn, id=program.id, member_id=member.id, month=month) or 0
        if used >= program.month_bookings:
            raise ProgramRule(f"This program is for {counted(program.month_bookings, 'booking')} in a month.")
    if program.academic_year is None:
        period, periods = credit_of(program, day, today, member.enrolled_at.date())
    else:
        period, periods = await _term_of(tx.conn, program, day), 1
    try:
        await rows.open_credit(tx.conn, id=program.id, member_id=member.id, period=period, periods=periods)
        await rows.take_credit(tx.conn, id=program.id, member_id=member.id, period=period, amount_minor=amount_minor)
        await rows.take_budget(tx.conn, id=program.id, amount_minor=amount_minor)
    except StorageError as e:
        if constraint_of(e) == "program_credit_never_passed":
            raise CreditUsedUp from e
        if constraint_of(e) == "program_budget_never_passed":
            raise ProgramUsedUp from e
        raise
    await rows.use(
        tx.conn, booking_id=booking_id, id=program.id, member_id=member.id, period=period, month=month,
        amount_minor=amount_minor,
    )  # fmt: skip


async def use_anew(
    tx: Tx, used: Used, member: Member, booking_id: UUID, categories: Sequence[str], day: date, today: date
) -> None:
    """A member's booking is for another day than it was: it takes what it would take there, by the same rules.

    The caller holds the member's lock, as whoever books does before anything is taken. Raises as `use`.
    """
    await rows.unuse(tx.conn, booking_id=booking_id)
    program = await get(tx.conn, used.organisation_id, used.program_id)
    await use(tx, program, member, booking_id, categories, day, today, used.amount_minor)


async def take_budget(tx: Tx, program_id: UUID, amount_minor: int) -> None:
    """A series of the program reserves what it will cost. Raises ProgramUsedUp."""
    try:
        await rows.take_budget(tx.conn, id=program_id, amount_minor=amount_minor)
    except StorageError as e:
        if constraint_of(e) == "program_budget_never_passed":
            raise ProgramUsedUp from e
        raise


async def give_back(tx: Tx, program_id: UUID, amount_minor: int) -> None:
    """What was reserved for a series is free again."""
    await rows.give_back(tx.conn, id=program_id, amount_minor=amount_minor)


async def serve(tx: Tx, program_id: UUID, booking_id: UUID, day: date, amount_minor: int) -> None:
    """A visit of a series is a booking now, for which its share is reserved already."""
    await rows.use(
        tx.conn, booking_id=booking_id, id=program_id, member_id=None, period=day, month=budgets.month_of(day),
        amount_minor=amount_minor,
    )  # fmt: skip
    await rows.bind(tx.conn, id=program_id, booking_id=booking_id)


async def _term_of(conn: Conn, program: Program, day: date) -> date:
    """The first day of the term that a day lies in. Raises ProgramClosed between terms."""
    assert program.academic_year is not None, "only those go by terms"
    terms = await academic_terms.of_year(conn, program.organisation_id, program.academic_year)
    found = [term.starts_on for term in terms if term.starts_on <= day <= term.ends_on]
    if not found:
        raise ProgramClosed("This program is for days within the terms of the school.")
    return found[0]


def credit_of(program: Program, day: date, today: date, enrolled_on: date) -> tuple[date, int]:
    """Out of which period's credit a booking for `day` is paid, and how many periods' worth is there by now.

    Where nothing rolls over, the day's own. Else one credit grows with every period that has begun since the program's
    start, or since the member's enrolment if that was later.
    """
    if not program.rollover:
        return period_of(program, day), 1
    months = _MONTHS.get(program.frequency or "")
    if months is None:
        return program.starts_on, 1
    first, last = (period_of(program, max(d, program.starts_on)) for d in (enrolled_on, today))
    return program.starts_on, max(0, (last.year - first.year) * 12 + last.month - first.month) // months + 1


def period_of(program: Program, day: date) -> date:
    """The first day of the period that a day lies in: counted from the program's start; `once` is the whole of it."""
    months = _MONTHS.get(program.frequency or "")
    if months is None:
        return program.starts_on
    start = program.starts_on
    passed = (day.year - start.year) * 12 + day.month - start.month - (day.day < start.day)
    months_on = max(0, passed) // months * months
    year, month = divmod(start.year * 12 + start.month - 1 + months_on, 12)
    return date(year, month + 1, min(start.day, 28))
