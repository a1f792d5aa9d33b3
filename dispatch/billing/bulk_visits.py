"""Visits of bulk bookings become bookings ahead of their day, each once, and their end is noted in the budgets."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from dispatch.billing import bulk_approvals, bulk_bookings, bulk_money, on_account, one_by_one
from dispatch.engine import alerts, bookings, slots
from dispatch.engine.bookings import NewBooking, NewItem
from dispatch.engine.free_times import SlotTaken
from dispatch.engine.tasks import Run
from dispatch.errors import DispatchError
from dispatch.events import Fact
from dispatch.localtime import local, to_utc
from dispatch.parties import budgets
from dispatch.services import Reactions, Services, Tx
from storage import bulk_bookings as rows
from storage import members as member_rows
from storage.bookings import Booking
from storage.bulk_bookings import Bulk, Due, Location, Planned
from storage.database.errors import StorageError

log = logging.getLogger(__name__)

#: Words that are kept of why a visit could not be booked.
_TROUBLE_CHARS = 300


async def book_due(run: Run) -> dict[str, int]:
    """The task: visits within the horizon become bookings; what is paused or unanswered loses the days that passed."""
    services, made = run.services, 0
    last: Due | None = None
    while True:
        async with services.read() as conn:
            due = await rows.to_book(
                conn, days=services.settings.dispatch.bulk_horizon_days, after_id=last and last.id,
                after_date=last and last.on_date, after_time=last and last.at_time,
            )  # fmt: skip
        if not due:
            break
        for visit in due:
            made += await _book_safely(services, visit)
        last = due[-1]
        await run.progress(made)
    async with services.read() as conn:
        overdue = await rows.overdue(conn)
    rested = await one_by_one.each(services, ((f"the series {b.id}", partial(_rest, bulk_id=b.id)) for b in overdue))
    async with services.transaction() as tx:
        await rows.finish_all(tx.conn)
    return {"booked": made, "overdue": rested}


async def _rest(tx: Tx, bulk_id: UUID) -> int:
    """The days of a series that have passed fall away."""
    found = await rows.lock(tx.conn, id=bulk_id, organisation_id=None)
    assert found is not None, "bulk bookings stay"
    await bulk_bookings.drop(tx, found, "skipped", before=local(tx.now, found.timezone).date())
    if await rows.finish(tx.conn, id=found.id, reason="nobody answered in time") and found.status == "pending_approval":
        await bulk_approvals.answer(tx, found, "bulk_unanswered")
    return 1


async def _book_safely(services: Services, due: Due) -> int:
    """1 when it is a booking now. What stands against it is kept with the visit, which is tried again next time."""
    try:
        try:
            return await services.retrying(lambda tx: _book(tx, due))
        except DispatchError as e:
            trouble = e.message[:_TROUBLE_CHARS]
            log.warning("a visit could not be booked: %s", e.message)
        await services.retrying(lambda tx: _keep_trouble(tx, due, trouble))
    except StorageError:
        # One visit's misfortune is not the others'.
        log.exception("a visit could not be booked")
    return 0


async def _keep_trouble(tx: Tx, due: Due, trouble: str) -> None:
    bulk = await rows.lock(tx.conn, id=due.bulk_id, organisation_id=None)
    assert bulk is not None, "a visit has its bulk"
    await _troubled(tx, bulk, due.id, trouble, "planned")


async def _book(tx: Tx, due: Due) -> int:
    bulk = await rows.lock(tx.conn, id=due.bulk_id, organisation_id=None)
    assert bulk is not None, "a visit has its bulk"
    visit = await rows.take(tx.conn, id=due.id)
    if visit is None or bulk.status != "active":
        return 0  # another node was quicker, or it fell away
    starts_at = to_utc(visit.on_date, visit.at_time, bulk.timezone)
    if starts_at <= tx.now:
        await _troubled(tx, bulk, visit.id, "Its time had passed.", "failed")
        amount = {budgets.month_of(visit.on_date): bulk.price_minor + bulk.tax_minor}
        await bulk_money.release(tx, bulk, amount)
        await rows.finish(tx.conn, id=bulk.id, reason=None)
        return 0
    booking = await _create(tx, bulk, visit)
    await rows.booked(tx.conn, id=visit.id, booking_id=booking.id)
    if not await rows.in_trouble(tx.conn, bulk_id=bulk.id):
        await alerts.resolve(tx, ["visits_in_trouble"], subject=f"bulk:{bulk.id}")
    return 1


async def _troubled(tx: Tx, bulk: Bulk, visit_id: UUID, trouble: str, state: str) -> None:
    """Whoever asked for the series and staff hear of the first trouble of it, and of the first after it was over; the
    others stand with their visits.
    """
    is_first = not await rows.in_trouble(tx.conn, bulk_id=bulk.id)
    if await rows.troubled(tx.conn, id=visit_id, trouble=trouble, state=state) is None or not is_first:
        return
    await bulk_approvals.answer(tx, bulk, "visits_in_trouble", trouble)
    message = f"Visits of {bulk.number} cannot be booked: {trouble}"
    await alerts.raise_alert(tx, "visits_in_trouble", message, subject=f"bulk:{bulk.id}")


async def _create(tx: Tx, bulk: Bulk, visit: Planned) -> Booking:
    places = {place.id: place for place in await rows.locations(tx.conn, bulk_id=bulk.id)}
    item = NewItem(
        bulk.service_id, bulk.title, bulk.category, bulk.tier, 1, bulk.duration_minutes, bulk.list_minor,
        bulk.price_minor,
    )  # fmt: skip
    account_id = await _whose(tx, bulk)
    booking = await bookings.create(tx, _new_booking(bulk, visit, places[visit.location_id], item, account_id))
    await rows.bind(
        tx.conn, booking_id=booking.id, department_id=bulk.department_id, member_id=bulk.member_id,
        budget_code=bulk.budget_code, requirements=bulk.requirements,
    )  # fmt: skip
    await on_account.charge(tx, booking, [item])
    await bulk_money.hold_for(tx, bulk, booking)
    try:
        async with tx.savepoint():
            await slots.hold_booking(tx, booking)
    except SlotTaken:
        # Nobody is free then, so far: it waits for somebody like any other booking.
        pass
    return booking


async def _whose(tx: Tx, bulk: Bulk) -> UUID:
    """Whose account a visit is booked in: of whoever asked for the series, and once they are gone the owner's.

    Whoever is gone would read it, hear of it and could move it.
    """
    if await member_rows.get(tx.conn, id=bulk.member_id, organisation_id=bulk.organisation_id) is not None:
        return bulk.account_id
    owner = await rows.owner(tx.conn, organisation_id=bulk.organisation_id)
    return owner.account_id if owner else bulk.account_id


def _new_booking(bulk: Bulk, visit: Planned, place: Location, item: NewItem, account_id: UUID) -> NewBooking:
    starts_at = to_utc(visit.on_date, visit.at_time, bulk.timezone)
    return NewBooking(
        account_id=account_id, preview_id=None, address_id=None, address=place.address, contact=place.contact,
        zone_id=place.zone_id, lat=place.lat, lng=place.lng, is_approximate=place.is_approximate,
        timezone=bulk.timezone, local_date=visit.on_date, local_time=visit.at_time, starts_at=starts_at,
        duration_minutes=bulk.duration_minutes, items=(item,), payment_method="account", currency=bulk.currency,
        subtotal_minor=bulk.list_minor, savings_minor=bulk.list_minor - bulk.price_minor, discount_minor=0,
        tax_minor=bulk.tax_minor, grand_total_minor=bulk.price_minor + bulk.tax_minor, promo_code_id=None,
        policy_accepted=True, wait_for_payment=False, organisation_id=bulk.organisation_id, billed_to=bulk.billed_to,
        system="organisation",
    )  # fmt: skip


async def on_over(tx: Tx, fact: Fact) -> None:
    """A booking is done or cancelled, so its visit is; what it held of a budget is spent, or free but for a fee; the
    last ends all.
    """
    booking = tx.known.get(fact.booking_id)
    if booking is not None and booking.organisation_id is None:
        # Visits and budgets are an organisation's.
        return
    is_done = fact.type == "booking.completed"
    fee_minor = int(fact.data.get("fee_minor") or 0)
    over = await rows.over(
        tx.conn, booking_id=fact.booking_id, visit_state="done" if is_done else "cancelled",
        hold_state="spent" if is_done else "released", by_member=fact.actor.kind in ("customer", "integration"),
        fee_minor=fee_minor,
    )  # fmt: skip
    assert over is not None, "it always answers"
    # The bulk before the budgets, as everywhere.
    if over.bulk_id is not None:
        await rows.finish(tx.conn, id=over.bulk_id, reason=None)
    if over.organisation_id is not None and over.month is not None and over.amount_minor is not None:
        await budgets.settle(
            tx, over.organisation_id, over.department_id, over.month, over.amount_minor,
            spent_minor=over.amount_minor if is_done else fee_minor,
        )  # fmt: skip


def register(reactions: Reactions) -> None:
    """Hears how bookings end."""
    reactions.on("booking.completed", on_over)
    reactions.on("booking.cancelled", on_over)
