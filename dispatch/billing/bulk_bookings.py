"""Bulk bookings: what an organisation asks for at many places or again and again, approved, priced, budgeted at once.

The visits are computed when it is asked for, and what they will cost is reserved in the budgets. They become bookings
ahead of their day (bulk_visits.py), which the engine dispatches like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from dispatch import numbers
from dispatch.access.permissions import ROLES, WRITE
from dispatch.billing import cancellation, checkout, on_account
from dispatch.billing.member_bookings import MayNotBook, OverLimit, ServiceNotAllowed
from dispatch.billing.trade_orders import Booker, Quote
from dispatch.engine import audit, recurrence, tasks
from dispatch.engine.bookings import NewItem
from dispatch.engine.recurrence import Rule
from dispatch.errors import Conflict, Invalid, Missing, NotAllowed
from dispatch.localtime import local
from dispatch.parties import addresses, budgets, departments, members, organisations
from dispatch.parties.addresses import Located
from dispatch.parties.members import By
from dispatch.services import Services, Tx
from storage import bulk_bookings as rows
from storage.addresses import Address
from storage.bulk_bookings import Bulk, Line, Summary
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.departments import Department

LIST = rows.of_organisation
#: One request makes at most so many visits.
MAX_VISITS = 5000
#: How far ahead a series may reach.
MAX_DAYS = 731
#: Roles that decide on what others ask for.
DECIDERS = tuple(role for role, levels in ROLES["organisation"].items() if levels.get("approvals") == WRITE)
_WHOLE = tuple(role for role in DECIDERS if role != members.MANAGER)
#: Visits become bookings by this task.
TASK = "bulk_visits"


class WrongStatus(Conflict):
    """This bulk booking is not at a point where that can be done."""

    code = "wrong_state"


class NotApprover(NotAllowed):
    """You are not one of those who were asked to approve this."""

    code = "not_approver"


@dataclass(frozen=True, slots=True)
class Place:
    """Where, and whom to ask there. Coordinates in degrees, both or none."""

    name: str
    street: str
    city: str
    floor: str | None = None
    area: str | None = None
    state: str = ""
    postal_code: str = ""
    country: str = ""
    lat: float | None = None
    lng: float | None = None
    contact: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewBulk:
    """What is asked for. `shown` is the schedule in the caller's words."""

    type: str
    service_id: UUID
    rule: Rule
    places: Sequence[Place]
    shown: Mapping[str, Any]
    title: str | None = None
    department_id: UUID | None = None
    program_id: UUID | None = None
    budget_code: str | None = None
    approval_required: bool = False
    approvers: Sequence[UUID] = ()
    requirements: Sequence[str] = ()


async def create(services: Services, by: By, new: NewBulk) -> UUID:
    """Books, or asks whoever must approve first. Returns the id.

    Raises Missing (department, service), Invalid, NotVerified, MayNotBook, ServiceNotAllowed, OverLimit,
    BudgetExceeded, and what on_account.quote raises.
    """
    days = _days(services, new)
    located = await _located(services, new.places)
    currency, timezone = _terms(services, located)
    _check_hours(services, new.rule, located)
    today = local(services.clock.now(), timezone).date()
    if days[0] < today:
        raise Invalid({"schedule.startDate": "The first visit lies in the past."})
    [item] = await checkout.items_of(services, {new.service_id: 1}, currency)
    return await services.retrying(
        lambda tx: _create(tx, by, new, days, located, item, currency, timezone)
    )


async def _create(
    tx: Tx, by: By, new: NewBulk, days: list[date], located: list[Located], item: NewItem, currency: str, timezone: str
) -> UUID:  # fmt: skip
    conn = tx.conn
    home = await organisations.active(conn, by.organisation_id)
    department = await _department(tx, by, new.department_id)
    acting = await _acting(tx, by)
    visits = len(days) * len(new.rule.times) * len(located)
    booker = Booker(acting.account_id, home.id)
    quote = await on_account.quote(conn, tx.services.settings, booker, [item], currency)
    total = visits * quote.price.grand_total_minor
    await _check_member(tx, by, item, department, total, today=tx.now.date())
    approvers = await _approvers(tx, by, new, department, acting.member_id, total)
    bulk_id = await _insert(tx, by, new, acting, department, quote, item, currency, timezone, bool(approvers))
    for position, (place, spot) in enumerate(zip(new.places, located, strict=True)):
        location_id = await rows.add_location(
            conn, bulk_id=bulk_id, position=position, name=place.name, address=_address(place, spot),
            contact=dict(place.contact), zone_id=spot.zone.id if spot.zone else None, lat=spot.lat, lng=spot.lng,
            is_approximate=spot.is_approximate, number=await numbers.take(conn, "BKG", tx.now.date()),
        )  # fmt: skip
        moments = [(day, face) for day in days for face in new.rule.times]
        await rows.add_visits(
            conn, bulk_id=bulk_id, location_id=location_id, dates=[d for d, _ in moments],
            times=[t for _, t in moments],
        )  # fmt: skip
    if approvers:
        await rows.add_approvals(conn, bulk_id=bulk_id, members=approvers)
    per_day = len(new.rule.times) * len(located) * quote.price.grand_total_minor
    months = Counter({month: 0 for month in map(budgets.month_of, days)})
    for day in days:
        months[budgets.month_of(day)] += per_day
    await budgets.reserve(tx, home.id, department.id if department else None, months)
    await audit.record(tx, by.actor, "bulk_booking.create", "bulk_booking", bulk_id)
    if not approvers:
        await _start(tx, bulk_id)
    return bulk_id


async def _insert(
    tx: Tx, by: By, new: NewBulk, acting: rows.Acting, department: Department | None, quote: Quote, item: NewItem,
    currency: str, timezone: str, waits: bool,
) -> UUID:  # fmt: skip
    priced = quote.items[0]
    saved = Decimal(quote.price.savings_minor + quote.price.discount_minor)
    listed = quote.price.subtotal_minor
    bulk_id = await rows.insert(
        tx.conn, number=await numbers.take(tx.conn, "BULK", tx.now.date()), organisation_id=by.organisation_id,
        department_id=department and department.id, program_id=new.program_id, member_id=acting.member_id,
        account_id=acting.account_id, type=new.type, status="pending_approval" if waits else "active",
        service_id=priced.service_id, title=new.title or item.name, category=item.category, tier=item.tier,
        duration_minutes=item.duration_minutes, schedule=dict(new.shown), timezone=timezone,
        budget_code=new.budget_code, requirements=list(new.requirements), currency=currency, list_minor=listed,
        price_minor=quote.price.net_minor - quote.price.discount_minor, tax_minor=quote.price.tax_minor,
        discount_pct=round(100 * saved / listed, 2) if listed else Decimal(0), billed_to=quote.billed_to,
    )  # fmt: skip
    assert bulk_id is not None, "an insert returns its id"
    return bulk_id


# ---------------------------------------------------------------- who may, and who is asked


async def _department(tx: Tx, by: By, department_id: UUID | None) -> Department | None:
    """The department that pays: the named one, else the one that somebody is bound to. Raises Missing, OutOfReach."""
    wanted = department_id or by.within
    if wanted is None:
        return None
    found = await departments.get(tx.conn, by.organisation_id, wanted)
    by.check_reach(found.id)
    return found


async def _acting(tx: Tx, by: By) -> rows.Acting:
    """Who books; a key books for the owner."""
    if by.member_id is not None:
        member = await members.get(tx.conn, By(by.organisation_id, by.actor, by.role), by.member_id)
        return rows.Acting(member.id, member.account_id)
    owner = await rows.owner(tx.conn, organisation_id=by.organisation_id)
    assert owner is not None, "every organisation has an owner"
    return owner


async def _check_member(
    tx: Tx, by: By, item: NewItem, department: Department | None, total_minor: int, *, today: date
) -> None:
    if department is not None and not departments.allows(department.allowed_services, [item.category]):
        raise ServiceNotAllowed
    if by.member_id is None:
        return
    member = await members.get(tx.conn, By(by.organisation_id, by.actor, by.role), by.member_id)
    if not member.can_book:
        raise MayNotBook
    if not departments.allows(member.allowed_services, [item.category]):
        raise ServiceNotAllowed("You may not book services of this kind in the name of your organisation.")
    if member.monthly_limit_minor is not None:
        spent = await rows.spent_in_month(tx.conn, member_id=member.id, month=budgets.month_of(today)) or 0
        if spent + total_minor > member.monthly_limit_minor:
            raise OverLimit


async def _approvers(
    tx: Tx, by: By, new: NewBulk, department: Department | None, asking: UUID, total_minor: int
) -> list[UUID]:
    """Whose word is waited for: nobody, or members other than whoever asks. Raises Invalid."""
    allotted = await budgets.in_force(tx.conn, by.organisation_id, tx.now.date())
    concerned = {None, department.id if department else None}
    lines = [allotted[key].approval_above_minor for key in concerned if key in allotted]
    is_large = any(line is not None and total_minor > line for line in lines)
    asks = False
    if by.member_id is not None:
        me = await members.get(tx.conn, By(by.organisation_id, by.actor, by.role), by.member_id)
        asks = me.require_approval
    if not (new.approval_required or asks or is_large or (department and department.approval_required)):
        return []
    named = list(dict.fromkeys(new.approvers or (department.approvers if department else ())))
    if named:
        found = await rows.approvers(
            tx.conn, organisation_id=by.organisation_id, ids=named, roles=list(DECIDERS)
        )
        unfit = set(named) - {one.id for one in found}
        if new.approvers and unfit:
            raise Invalid({"billing.approvers": "Everybody named here must be an active member who may approve."})
        named = [one for one in named if one not in unfit and one != asking]
        if new.approvers and not named:
            raise Invalid({"billing.approvers": "Nobody approves what they ask for themselves: name somebody else."})
    if not named:
        others = await rows.deciders(tx.conn, organisation_id=by.organisation_id, roles=list(_WHOLE))
        named = [one.id for one in others if one.id != asking][:1]
    if not named:
        raise Invalid({"billing.approvers": "This needs an approval, and nobody else may give it: enrol somebody."})
    return named


# ---------------------------------------------------------------- decisions


async def approve(tx: Tx, by: By, bulk_id: UUID, note: str | None = None) -> Bulk:
    """One of those who were asked agrees; with the last of them it begins. Raises Missing, WrongStatus, NotApprover."""
    bulk = await _waiting(tx, by, bulk_id, "approved", note)
    if all(a.decision == "approved" for a in await rows.approvals(tx.conn, bulk_id=bulk.id)):
        await rows.set_status(tx.conn, id=bulk.id, status="active", reason=None, sources=["pending_approval"])
        await _start(tx, bulk.id)
    return await get(tx.conn, by, bulk_id)


async def reject(tx: Tx, by: By, bulk_id: UUID, note: str | None = None) -> Bulk:
    """One of those who were asked says no, and what was reserved is free again. Raises as `approve`."""
    bulk = await _waiting(tx, by, bulk_id, "rejected", note)
    await rows.set_status(tx.conn, id=bulk.id, status="rejected", reason=note, sources=["pending_approval"])
    await drop(tx, bulk, "cancelled")
    return await get(tx.conn, by, bulk_id)


async def _waiting(tx: Tx, by: By, bulk_id: UUID, decision: str, note: str | None) -> Bulk:
    bulk = await _lock(tx, by, bulk_id)
    if bulk.status != "pending_approval":
        raise WrongStatus("Nobody's approval is waited for any more.")
    if by.member_id is None or by.member_id == bulk.member_id:
        raise NotApprover
    decided = await rows.decide(
        tx.conn, bulk_id=bulk.id, member_id=by.member_id, decision=decision, note=note
    )
    if decided is None:
        asked = {a.member_id: a for a in await rows.approvals(tx.conn, bulk_id=bulk.id)}
        if by.member_id not in asked:
            raise NotApprover
        raise WrongStatus("You have decided on this already.")
    await audit.record(tx, by.actor, f"bulk_booking.{decision}", "bulk_booking", bulk.id)
    return bulk


async def pause(tx: Tx, by: By, bulk_id: UUID) -> Bulk:
    """No further visits are booked; those that are booked already happen. Raises Missing, WrongStatus."""
    return await _turn(tx, by, bulk_id, "paused", ("active",))


async def resume(tx: Tx, by: By, bulk_id: UUID) -> Bulk:
    """It goes on from today; the days in between fell away. Raises Missing, WrongStatus."""
    bulk = await _turn(tx, by, bulk_id, "active", ("paused",))
    await drop(tx, bulk, "skipped", before=local(tx.now, bulk.timezone).date())
    await _start(tx, bulk.id)
    return bulk


async def _turn(tx: Tx, by: By, bulk_id: UUID, status: str, sources: Sequence[str]) -> Bulk:
    bulk = await _lock(tx, by, bulk_id)
    by.check_reach(bulk.department_id)
    if await rows.set_status(tx.conn, id=bulk.id, status=status, reason=None, sources=list(sources)) is None:
        raise WrongStatus
    await audit.record(tx, by.actor, f"bulk_booking.{status}", "bulk_booking", bulk.id)
    return await get(tx.conn, by, bulk_id)


async def cancel(services: Services, by: By, bulk_id: UUID, reason: str | None) -> None:
    """Ends it: no further visits, and the bookings that have not begun are cancelled, at what that costs by then.

    Raises Missing, WrongStatus.
    """
    async with services.transaction() as tx:
        bulk = await _lock(tx, by, bulk_id)
        by.check_reach(bulk.department_id)
        done = await rows.set_status(
            tx.conn, id=bulk.id, status="cancelled", reason=reason, sources=["pending_approval", "active", "paused"]
        )
        if done is None:
            raise WrongStatus
        await drop(tx, bulk, "cancelled")
        await audit.record(tx, by.actor, "bulk_booking.cancel", "bulk_booking", bulk.id)
    await _cancel_bookings(services, by, bulk, None, reason)


async def skip(services: Services, by: By, bulk_id: UUID, days: Sequence[date], reason: str | None) -> None:
    """These days fall away, booked or not. Raises Missing, WrongStatus."""
    async with services.transaction() as tx:
        bulk = await _lock(tx, by, bulk_id)
        by.check_reach(bulk.department_id)
        if bulk.status not in ("pending_approval", "active", "paused"):
            raise WrongStatus
        await drop(tx, bulk, "skipped", days=days)
        await audit.record(
            tx, by.actor, "bulk_booking.skip", "bulk_booking", bulk.id, {"days": [d.isoformat() for d in days]}
        )
    await _cancel_bookings(services, by, bulk, days, reason)


async def _cancel_bookings(
    services: Services, by: By, bulk: Bulk, days: Sequence[date] | None, reason: str | None
) -> None:
    """Each in a transaction of its own; one that has begun meanwhile goes on."""
    async with services.read() as conn:
        found = await rows.open_bookings(conn, bulk_id=bulk.id, dates=None if days is None else list(days))
    for one in found:
        try:
            async with services.transaction() as tx:
                await cancellation.cancel(tx, one.id, bulk.account_id, reason, actor=by.actor)
        except Conflict:
            continue


async def drop(
    tx: Tx, bulk: Bulk, state: str, *, days: Sequence[date] | None = None, before: date | None = None
) -> int:
    """Visits that are not booked will not be (on these days, or before one), and their money is free again."""
    dropped = await rows.drop_planned(
        tx.conn, bulk_id=bulk.id, state=state, dates=None if days is None else list(days), before=before
    )
    if dropped:
        months: Counter[date] = Counter()
        for visit in dropped:
            months[budgets.month_of(visit.on_date)] += bulk.price_minor + bulk.tax_minor
        await budgets.release(tx, bulk.organisation_id, bulk.department_id, months)
    return len(dropped)


async def _start(tx: Tx, bulk_id: UUID) -> None:
    await tasks.enqueue(tx, TASK, key=f"{TASK}:{bulk_id}:{tx.now.isoformat()}")


# ---------------------------------------------------------------- looking


async def get(conn: Conn, by: By, bulk_id: UUID) -> Bulk:
    """Whoever was asked to approve it may look, whatever department they belong to. Raises Missing, OutOfReach."""
    found = await rows.get(conn, id=bulk_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("bulk booking")
    if all(a.member_id != by.member_id for a in await rows.approvals(conn, bulk_id=bulk_id)):
        by.check_reach(found.department_id)
    return found


async def page(conn: Conn, by: By, wanted: Wanted) -> Slice[Line]:
    """What the organisation has booked: a line for each place of a bulk and for each single booking."""
    return await LIST.page(conn, wanted, organisation_id=by.organisation_id, within=by.within)


async def summary(conn: Conn, by: By, month: date) -> Summary:
    found = await rows.summary(conn, organisation_id=by.organisation_id, within=by.within, month=month)
    assert found is not None, "an aggregate has a row"
    return found


async def _lock(tx: Tx, by: By, bulk_id: UUID) -> Bulk:
    found = await rows.lock(tx.conn, id=bulk_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("bulk booking")
    return found


# ---------------------------------------------------------------- times and places


def _days(services: Services, new: NewBulk) -> list[date]:
    """The days of the visits. Raises Invalid."""
    rule = new.rule
    if rule.end < rule.start:
        raise Invalid({"schedule.endDate": "The end lies before the start."})
    if (rule.end - rule.start).days > MAX_DAYS:
        raise Invalid({"schedule.endDate": "A series lasts at most two years."})
    days = recurrence.dates(rule)
    if not days:
        raise Invalid({"schedule.days": "Between these dates there is no such day."})
    if len(days) * len(rule.times) * len(new.places) > MAX_VISITS:
        raise Invalid({"schedule.endDate": f"This would be more than {MAX_VISITS} visits: book a shorter time."})
    return days


async def _located(services: Services, places: Sequence[Place]) -> list[Located]:
    """Where the places are. Raises Invalid that names every place that nobody can find."""
    found: list[Located] = []
    bad: dict[str, Any] = {}
    for n, place in enumerate(places):
        name = f"locations.{n}.address"
        try:
            found.append(await addresses.locate(services, _as_address(services, place), field=name))
        except Invalid as e:
            bad |= e.details or {}
    if bad:
        raise Invalid(bad)
    return found


def _as_address(services: Services, place: Place) -> Address:
    now = services.clock.now()
    return Address(
        uuid4(), place.name, place.street, place.floor, place.city, place.state, place.postal_code, place.country,
        place.lat, place.lng, False, None, False, now, now,
    )  # fmt: skip


def _terms(services: Services, located: Sequence[Located]) -> tuple[str, str]:
    """Currency and clocks, which all places share. Raises Invalid."""
    found = {checkout.place_terms(services, spot) for spot in located}
    if len(found) != 1:
        raise Invalid({"locations": "These places have different currencies or clocks: book them apart."})
    return found.pop()


def _check_hours(services: Services, rule: Rule, located: Sequence[Located]) -> None:
    """Raises Invalid for a time at which nobody works at one of the places."""
    for spot in located:
        opens, closes, _ = services.zones.hours(spot.zone.id if spot.zone else None)
        if any(not opens <= face < closes for face in rule.times):
            raise Invalid({"schedule.time": f"Visits begin between {opens:%H:%M} and {closes:%H:%M} there."})


def _address(place: Place, spot: Located) -> dict[str, Any]:
    return {
        "name": place.name, "address_line1": place.street, "address_line2": place.floor, "area": place.area,
        "city": place.city, "state": place.state, "pincode": place.postal_code, "lat": spot.lat, "lng": spot.lng,
        "is_approximate": spot.is_approximate,
    }  # fmt: skip
