"""Bulk bookings: what an organisation asks for at many places or again and again, approved, priced, budgeted at once.

The visits are computed when it is asked for, and what they will cost is reserved in the budgets. They become bookings
ahead of their day (bulk_visits.py), which the engine dispatches like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch import numbers
from dispatch.billing import (
    bulk_approvals,
    bulk_money,
    bulk_places,
    bulk_times,
    cancellation,
    checkout,
    member_bookings,
    on_account,
)
from dispatch.billing.bulk_approvals import WrongStatus
from dispatch.billing.bulk_places import Place
from dispatch.billing.trade_orders import Booker, Quote
from dispatch.engine import audit, tasks
from dispatch.engine.bookings import NewItem
from dispatch.engine.recurrence import Rule
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import budgets, departments, members, organisations
from dispatch.parties.addresses import Located
from dispatch.parties.members import By
from dispatch.services import Services, Tx
from storage import bulk_bookings as rows
from storage.bulk_bookings import Bulk, Line, Summary, Visit
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.departments import Department

LIST, VISITS = rows.of_organisation, rows.visits
#: Visits become bookings by the first task, bookings of days that fell away end by the second.
TASK, CANCEL = "bulk_visits", "bulk_cancel"
#: The second goes on where whoever asked for it was interrupted, after so many seconds.
CANCEL_AGAIN_S = 60.0


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
    budget_code: str | None = None
    approval: bulk_approvals.Wanted = bulk_approvals.Wanted()
    requirements: Sequence[str] = ()
    #: Visits are on days of a school's terms of that year alone.
    academic_year: str | None = None
    #: Of this program, whose budget pays for it.
    program_id: UUID | None = None


async def create(services: Services, by: By, new: NewBulk) -> UUID:
    """Books, or asks whoever must approve first, as of what is above the limit of whoever books. Returns the id.

    Raises Missing (department, service), Invalid, NotVerified, MayNotBook, ServiceNotAllowed, BudgetForOthers,
    BudgetExceeded, and what on_account.quote raises.
    """
    new = replace(new, rule=await bulk_times.by_terms(services, by, new.rule, new.academic_year))
    days = bulk_times.days(new.rule, len(new.places))
    located = await bulk_places.located(services, new.places)
    currency, timezone = bulk_places.terms(services, located)
    bulk_places.check_hours(services, new.rule, located)
    await bulk_times.check_start(services, by, new.rule, days[0], timezone, new.program_id)
    [item] = await checkout.items_of(services, {new.service_id: 1}, currency)
    return await services.retrying(lambda tx: _create(tx, by, new, days, located, item, currency, timezone))


async def _create(
    tx: Tx, by: By, new: NewBulk, days: list[date], located: list[Located], item: NewItem, currency: str, timezone: str
) -> UUID:  # fmt: skip
    conn = tx.conn
    home = await organisations.active(conn, by.organisation_id)
    department = await _department(tx, by, new.department_id)
    acting = await _acting(tx, by)
    booker = Booker(acting.account_id, home.id)
    quote = await on_account.quote(conn, tx.services.settings, booker, [item], currency)
    per_day = len(new.rule.times) * len(located) * quote.price.grand_total_minor
    months: Counter[date] = Counter()
    for day in days:
        months[budgets.month_of(day)] += per_day
    approvers: list[UUID] = []
    if new.program_id is None:
        # What a program does was decided with it.
        is_over = await _is_over_limit(tx, by, item, department, months)
        approvers = await bulk_approvals.approvers(
            tx, by, new.approval, department, acting.member_id, months, is_over_limit=is_over
        )
    bulk_id = await _insert(tx, by, new, acting, department, quote, item, currency, timezone, bool(approvers))
    for position, (place, spot) in enumerate(zip(new.places, located, strict=True)):
        location_id = await rows.add_location(
            conn, bulk_id=bulk_id, position=position, name=place.name, address=bulk_places.address_of(place, spot),
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
        bulk, whole = await get(conn, by, bulk_id), By(home.id, by.actor, by.role)
        asking = await members.get(conn, whole, acting.member_id)
        await bulk_approvals.write_to(tx, approvers, asking, bulk.number, days[0], months.total(), currency)
    payer = department.id if department else None
    await bulk_money.reserve(tx, home.id, payer, new.program_id, months, [item.category])
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
    # It is not closed meanwhile: nobody closes one that pays for a series.
    await departments.hold(tx, by.organisation_id, wanted)
    by.check_reach(wanted)
    return await departments.get(tx.conn, by.organisation_id, wanted)


async def _acting(tx: Tx, by: By) -> rows.Acting:
    """Who books; a key books for the owner."""
    if by.member_id is not None:
        member = await members.get(tx.conn, By(by.organisation_id, by.actor, by.role), by.member_id)
        return rows.Acting(member.id, member.account_id)
    owner = await rows.owner(tx.conn, organisation_id=by.organisation_id)
    assert owner is not None, "every organisation has an owner"
    return owner


async def _is_over_limit(
    tx: Tx, by: By, item: NewItem, department: Department | None, months: Mapping[date, int]
) -> bool:
    """Whether it comes to more than who asks may spend in a month by themselves; keys have no limit.

    Raises Missing, MayNotBook, ServiceNotAllowed.
    """
    if department is not None and not departments.allows(department.allowed_services, [item.category]):
        raise member_bookings.ServiceNotAllowed
    if by.member_id is None:
        return False
    member = await member_bookings.lock_booker(tx, by.organisation_id, by.member_id, [item.category])
    return await member_bookings.is_over_limit(tx.conn, member, months)


# ---------------------------------------------------------------- decisions


async def approve(tx: Tx, by: By, bulk_id: UUID, note: str | None = None) -> Bulk:
    """One of those who were asked agrees; with the last of them it begins. Raises Missing, WrongStatus, NotApprover."""
    bulk = await _lock(tx, by, bulk_id)
    await organisations.active(tx.conn, by.organisation_id)
    await bulk_approvals.decide(tx, by, bulk, "approved", note)
    if not await bulk_approvals.waits_for(tx.conn, bulk):
        await agreed(tx, bulk)
    return await get(tx.conn, by, bulk_id)


async def agreed(tx: Tx, bulk: Bulk) -> None:
    """Nobody's word is waited for any more, and it begins. The caller holds its lock."""
    await rows.set_status(tx.conn, id=bulk.id, status="active", reason=None, sources=["pending_approval"])
    await bulk_approvals.answer(tx, bulk, "bulk_approved")
    await _start(tx, bulk.id)


async def reject(tx: Tx, by: By, bulk_id: UUID, note: str | None = None) -> Bulk:
    """One of those who were asked says no, and what was reserved is free again. Raises as `approve`."""
    bulk = await _lock(tx, by, bulk_id)
    await bulk_approvals.decide(tx, by, bulk, "rejected", note)
    await rows.set_status(tx.conn, id=bulk.id, status="rejected", reason=note, sources=["pending_approval"])
    await bulk_approvals.answer(tx, bulk, "bulk_rejected", note)
    await drop(tx, bulk, "cancelled")
    return await get(tx.conn, by, bulk_id)


async def pause(tx: Tx, by: By, bulk_id: UUID) -> Bulk:
    """No further visits are booked; those that are booked already happen. Raises Missing, WrongStatus."""
    return await _turn(tx, by, bulk_id, "paused", ("active",))


async def resume(tx: Tx, by: By, bulk_id: UUID) -> Bulk:
    """It goes on from today; the days in between fell away. Raises Missing, WrongStatus."""
    await organisations.active(tx.conn, by.organisation_id)
    bulk = await _turn(tx, by, bulk_id, "active", ("paused",))
    await drop(tx, bulk, "skipped", before=local(tx.now, bulk.timezone).date())
    await rows.finish(tx.conn, id=bulk.id, reason=None)
    await _start(tx, bulk.id)
    return await get(tx.conn, by, bulk_id)


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
        await _cancel_again(tx, by, bulk, None, reason)
    await cancel_bookings(services, bulk, by.actor, None, reason)


async def skip(services: Services, by: By, bulk_id: UUID, days: Sequence[date], reason: str | None) -> None:
    """These days fall away, booked or not. Raises Missing, WrongStatus."""
    async with services.transaction() as tx:
        bulk = await _lock(tx, by, bulk_id)
        by.check_reach(bulk.department_id)
        if bulk.status not in ("pending_approval", "active", "paused"):
            raise WrongStatus
        await drop(tx, bulk, "skipped", days=days)
        await rows.finish(tx.conn, id=bulk.id, reason=reason or "all its days were left out")
        await audit.record(
            tx, by.actor, "bulk_booking.skip", "bulk_booking", bulk.id, {"days": [d.isoformat() for d in days]}
        )
        await _cancel_again(tx, by, bulk, days, reason)
    await cancel_bookings(services, bulk, by.actor, days, reason)


async def _cancel_again(tx: Tx, by: By, bulk: Bulk, days: Sequence[date] | None, reason: str | None) -> None:
    """Its bookings end one by one: should this process die in between, the task finds what is left."""
    payload = {
        "bulk_id": str(bulk.id), "organisation_id": str(bulk.organisation_id), "actor_id": by.actor.id,
        "days": None if days is None else [d.isoformat() for d in days], "reason": reason,
    }  # fmt: skip
    await tasks.enqueue(tx, CANCEL, payload, delay_s=CANCEL_AGAIN_S)


async def cancel_left(run: tasks.Run) -> None:
    """The task of `_cancel_again`."""
    asked = run.task.payload
    async with run.services.read() as conn:
        bulk = await rows.get(conn, id=UUID(asked["bulk_id"]), organisation_id=UUID(asked["organisation_id"]))
    assert bulk is not None, "bulk bookings stay"
    days = None if asked["days"] is None else [date.fromisoformat(d) for d in asked["days"]]
    await cancel_bookings(run.services, bulk, Actor("organisation", asked["actor_id"]), days, asked["reason"])


async def cancel_bookings(
    services: Services, bulk: Bulk, actor: Actor, days: Sequence[date] | None, reason: str | None
) -> None:
    """Each in a transaction of its own; one that has begun meanwhile goes on."""
    async with services.read() as conn:
        found = await rows.open_bookings(conn, bulk_id=bulk.id, dates=None if days is None else list(days))
    for one in found:
        try:
            await services.retrying(
                lambda tx, one=one: cancellation.cancel(  # type: ignore[misc]
                    tx, one.id, one.account_id, reason, actor=actor
                )
            )
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
        await bulk_money.release(tx, bulk, months)
    return len(dropped)


async def _start(tx: Tx, bulk_id: UUID) -> None:
    await tasks.enqueue(tx, TASK, key=f"{TASK}:{bulk_id}:{tx.now.isoformat()}")


# ---------------------------------------------------------------- looking


async def get(conn: Conn, by: By, bulk_id: UUID) -> Bulk:
    """Whoever was asked to approve it may look, whatever department they belong to. Raises Missing, OutOfReach."""
    found = await rows.get(conn, id=bulk_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("bulk booking")
    if all(a.member_id != by.member_id for a in await bulk_approvals.words_of(conn, bulk_id)):
        by.check_reach(found.department_id)
    return found


async def page(conn: Conn, by: By, wanted: Wanted) -> Slice[Line]:
    """What the organisation has booked: a line for each place of a bulk and for each single booking.

    Of another department than one's own only what one was asked to approve.
    """
    return await LIST.page(
        conn, wanted, organisation_id=by.organisation_id, within=by.within, member_id=by.member_id
    )


async def visits(conn: Conn, by: By, bulk_id: UUID, wanted: Wanted) -> tuple[Bulk, Slice[Visit]]:
    """A bulk booking and its visits, by date. Raises Missing, OutOfReach."""
    bulk = await get(conn, by, bulk_id)
    return bulk, await VISITS.page(conn, wanted, bulk_id=bulk_id)


async def summary(conn: Conn, by: By, month: date) -> Summary:
    found = await rows.summary(conn, organisation_id=by.organisation_id, within=by.within, month=month)
    assert found is not None, "an aggregate has a row"
    return found


async def _lock(tx: Tx, by: By, bulk_id: UUID) -> Bulk:
    found = await rows.lock(tx.conn, id=bulk_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("bulk booking")
    return found
