"""The booking from its opening to its end: open, cancel, prefer, rate. Written once, for every audience."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from dispatch import bus, numbers
from dispatch.engine import alerts, audit, facts, lifecycle, offers, queue, search, slots, tracked
from dispatch.errors import Conflict, Missing
from dispatch.events import STAFF, SYSTEM, Actor
from dispatch.localtime import local
from dispatch.services import Tx
from storage import bookings as rows
from storage import offers as offer_rows
from storage import payments as payment_rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.offers import Assignment
from storage.queue import Asked

#: The alerts that the watchdog raises; they end with what it watched.
WATCH_ALERTS = ("late", "stalled", "moving_away", "dark", "not_started", "not_finished")
#: Those and what else may be wrong with an accepted job; they end when it begins or is over.
JOB_ALERTS = (*WATCH_ALERTS, "start_code_locked", "technician_left")

#: Why the house itself ends a booking; whoever booked is told it in their language (dispatch.outbox.languages).
UNPAID = "not paid in time"
UNAPPROVED = "nobody approved it in time"
#: Its organisation said no, and nothing beside it.
NOT_APPROVED = "the organisation did not approve it"
REFUSED = "the payment gateway refuses the payment"

#: Of a booking that is opened with an offer: that it is there, and who is asked, or that it waits.
OPENING_FACTS = 2

#: Whoever opens a booking dispatches it at once; the timer is for what is left when that fails.
DISPATCH_GRACE = timedelta(seconds=2)


class NotRateable(Conflict):
    """Only a completed booking can be rated, and only once."""

    code = "not_rateable"


@dataclass(frozen=True, slots=True)
class NewItem:
    """A line: both prices per unit, in minor units (C136)."""

    service_id: UUID
    name: str
    category: str
    tier: str
    quantity: int
    duration_minutes: int
    list_price_minor: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class NewBooking:
    """A priced request, ready to become a booking. `wait_for_payment`: nobody is sent before it is paid."""

    account_id: UUID
    preview_id: UUID | None
    address_id: UUID | None
    address: dict[str, Any]
    contact: dict[str, Any]
    zone_id: UUID | None
    lat: float
    lng: float
    is_approximate: bool
    timezone: str
    local_date: date
    local_time: time
    starts_at: datetime
    duration_minutes: int
    items: tuple[NewItem, ...]
    payment_method: str
    currency: str
    subtotal_minor: int
    savings_minor: int
    discount_minor: int
    tax_minor: int
    grand_total_minor: int
    promo_code_id: UUID | None
    policy_accepted: bool
    wait_for_payment: bool
    priority: int = 0
    auto_assign: bool = True
    organisation_id: UUID | None = None
    #: The party that pays for one on account; decided here, and kept.
    billed_to: UUID | None = None
    system: str = "customer"
    #: Without one it takes the next of the series.
    number: str | None = None
    #: What a customer confirmed, as a hash.
    confirmed_as: bytes | None = None
    #: Who made it, where that was not the customer.
    made_by: Actor | None = None
    id: UUID = field(default_factory=uuid4)

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    @property
    def categories(self) -> list[str]:
        return sorted({i.category for i in self.items})

    @property
    def tiers(self) -> list[str]:
        return sorted({i.tier for i in self.items})

    @property
    def asked(self) -> Asked:
        """What it asks for, as one that waits does."""
        return Asked(
            self.id, self.account_id, self.organisation_id, self.lat, self.lng, self.zone_id, self.timezone,
            self.categories, self.tiers, self.starts_at, self.ends_at, self.priority,
        )  # fmt: skip


async def open_booking(tx: Tx, new: NewBooking) -> Booking:
    """Creates the booking and gives it an interval. Raises SlotTaken, and what `create` raises."""
    booking = await create(tx, new)
    await slots.hold_booking(tx, booking)
    return booking


async def create(tx: Tx, new: NewBooking, asks_until: datetime | None = None) -> Booking:
    """Creates the booking with its items and its first fact, and hands it to a timer or to people. Its row is locked.

    `asks_until`: somebody is asked in this very transaction and may think so long. The row says so from the start,
    which spares it a second change; whoever passes it makes that offer next (`search` with the same look). An interval
    is the caller's business. A second booking of the same preview breaks the unique constraint.
    """
    settings, items = tx.services.settings, new.items
    # Also what is meant for people goes through the search, which hands it to the queue with its alert and fact.
    action, at = "dispatch", tx.now + DISPATCH_GRACE
    if asks_until is not None:
        action, at = "offer_expiry", asks_until
    elif new.wait_for_payment:
        # At its start nobody is sent any more, so nobody is to pay for it.
        action, at = "release_unpaid", min(
            tx.now + timedelta(seconds=settings.billing.unpaid_release_s), new.starts_at
        )
    booking = await rows.insert(
        tx.conn, number=new.number, number_stem=numbers.stem("BK", local(tx.now, new.timezone)), system=new.system,
        account_id=new.account_id, organisation_id=new.organisation_id, billed_to=new.billed_to,
        preview_id=new.preview_id, confirmed_as=new.confirmed_as, address_id=new.address_id,
        address=new.address, contact=new.contact, zone_id=new.zone_id, lat=new.lat, lng=new.lng,
        is_approximate=new.is_approximate, timezone=new.timezone, local_date=new.local_date,
        local_time=new.local_time, starts_at=new.starts_at, ends_at=new.ends_at, categories=new.categories,
        tiers=new.tiers,
        id=new.id, status="pending" if asks_until is None else lifecycle.BOOKING["offer"].target,
        attempt=0 if asks_until is None else 1, event_seq=0 if asks_until is None else OPENING_FACTS,
        payment_method=new.payment_method, currency=new.currency, subtotal_minor=new.subtotal_minor,
        savings_minor=new.savings_minor, discount_minor=new.discount_minor, tax_minor=new.tax_minor,
        grand_total_minor=new.grand_total_minor, promo_code_id=new.promo_code_id, priority=new.priority,
        auto_assign=new.auto_assign, policy_accepted=new.policy_accepted,
        start_code=f"{secrets.randbelow(10_000):04d}" if settings.dispatch.start_code_required else None,
        next_action=action, next_action_at=at,
        # What cancelling costs is what was accepted with it.
        free_cancellation_s=float(settings.billing.free_cancellation_s),
        cancellation_fee_pct=float(settings.billing.cancellation_fee_pct),
        # What its payments ask for they say themselves; so it stands here already in all but the odd case.
        to_collect_minor=new.grand_total_minor if new.payment_method == "cash" else 0,
        service_ids=[i.service_id for i in items], names=[i.name for i in items],
        item_categories=[i.category for i in items], item_tiers=[i.tier for i in items],
        quantities=[i.quantity for i in items], minutes=[i.duration_minutes for i in items],
        list_prices=[i.list_price_minor for i in items], prices=[i.price_minor for i in items],
    )  # fmt: skip
    assert booking is not None, "an insert gives its row"
    tx.known[booking.id] = booking
    await facts.record(
        tx, booking.id, "booking.created", new.made_by or Actor("customer", str(new.account_id)),
        {"number": booking.number, "grand_total_minor": new.grand_total_minor, "currency": new.currency,
         "payment_method": new.payment_method},
    )  # fmt: skip
    if asks_until is not None:
        facts.count(tx, booking, OPENING_FACTS)
    return booking


async def start_dispatch(tx: Tx, booking_id: UUID) -> None:
    """What a booking waited for has come, its payment or an approval: it may be offered. A no-op in other states."""
    booking = await offers.lock(tx, booking_id)
    if booking.status == "pending" and booking.next_action in lifecycle.HELD_BACK:
        await rows.wait_for(
            tx.conn, booking_id=booking_id, action="dispatch", at=tx.now, target="pending", sources=["pending"]
        )
        tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})


async def await_approval(tx: Tx, booking: Booking) -> Booking:
    """Nobody is searched for before `approved`; what is not answered ends while somebody could still come, but not
    before half of the time until its start is over. The caller holds the lock of a new, pending booking.
    """
    left = booking.starts_at - tx.now
    at = max(booking.starts_at - timedelta(seconds=tx.services.settings.dispatch.lead_s), tx.now + left / 2)
    held = await rows.wait_for(
        tx.conn, booking_id=booking.id, action="release_unapproved", at=at, target="pending", sources=["pending"]
    )
    assert held is not None, "its lock is held, and it is pending"
    tx.known[booking.id] = held
    tx.hint(bus.TIMER_SET, {"at": at.timestamp()})
    return held


async def approved(tx: Tx, booking_id: UUID, actor: Actor) -> None:
    """Those who were asked have agreed, and the search begins. The caller has looked at what it waits for."""
    await facts.record(tx, booking_id, "booking.approved", actor, {})
    await start_dispatch(tx, booking_id)


async def release_unapproved(tx: Tx, booking: Booking) -> None:
    """A booking to which nobody has agreed in time ends. The caller holds the lock."""
    await end(tx, booking, SYSTEM, UNAPPROVED)


async def cancel(
    tx: Tx, booking_id: UUID, actor: Actor, reason: str | None, *, fee_minor: int = 0, refund_minor: int = 0
) -> Booking:
    """Ends a booking that has not started: offer withdrawn, technician freed, interval released. Raises WrongState."""
    booking = await offers.lock(tx, booking_id)
    return await end(tx, booking, actor, reason, fee_minor=fee_minor, refund_minor=refund_minor)


async def end(
    tx: Tx,
    booking: Booking,
    actor: Actor,
    reason: str | None,
    *,
    fee_minor: int = 0,
    refund_minor: int = 0,
    refund_to_wallet: bool = False,
) -> Booking:
    """`cancel` for a caller who holds the booking's lock and has looked at it. Raises WrongState."""
    lifecycle.move("booking", booking.status, "cancel")
    booking_id, assignment = booking.id, None
    await offers.close_with_booking(tx, booking, "the booking was cancelled", actor)
    if booking.status == "confirmed":
        assignment = await offer_rows.assignment(tx.conn, booking_id=booking_id)
    if assignment is not None:
        # What whoever booked says of it is not for the technician.
        words = reason if actor.kind in ("technician", *STAFF) else None
        await end_assignment(tx, booking, assignment, actor, words or "the booking was cancelled")
    step = lifecycle.BOOKING["cancel"]
    ended = await rows.cancel(
        tx.conn, booking_id=booking_id, cancelled_by=actor.cancelled_by, reason=reason, fee_minor=fee_minor,
        refund_minor=refund_minor, target=step.target, sources=list(step.sources),
    )  # fmt: skip
    assert ended is not None, "its lock is held, and the state was looked at"
    tx.known[booking_id] = ended
    queue.freed(tx, await slot_rows.drop_booking(tx.conn, booking_id=booking_id))
    await alerts.resolve(tx, ("queued", "timer_failing", *JOB_ALERTS), booking_id=booking_id)
    data = {
        "by": actor.cancelled_by, "reason": reason, "fee_minor": fee_minor, "refund_minor": refund_minor,
        "currency": booking.currency,
        "technician_id": str(assignment.technician_id) if assignment else None,
        "refund_to_wallet": refund_to_wallet,
    }  # fmt: skip
    await facts.record(tx, booking_id, "booking.cancelled", actor, data)
    # What goes back at once, as a wallet's part does, makes it a refunded one.
    return await offers.lock(tx, booking_id) if refund_minor else ended


async def end_assignment(tx: Tx, booking: Booking, assignment: Assignment, actor: Actor, reason: str) -> None:
    """Unties booking and technician. Raises WrongState when the job has begun."""
    step = lifecycle.ASSIGNMENT["cancelled"]
    ended = await offer_rows.cancel_assignment(
        tx.conn, assignment_id=assignment.id, cancelled_by=actor.cancelled_by, reason=reason,
        target=step.target, sources=list(step.sources),
    )  # fmt: skip
    if not ended:
        raise lifecycle.wrong_state("assignment", assignment.state, "cancelled")
    tracked.moved(tx, booking, assignment.id, assignment.technician_id, step.target)
    facts.tell_party(
        tx, assignment.technician_id, "job.updated",
        {"booking_id": str(booking.id), "assignment_id": str(assignment.id), "state": "cancelled", "reason": reason},
    )  # fmt: skip


async def reopen(tx: Tx, booking: Booking, assignment: Assignment, actor: Actor, reason: str) -> None:
    """Takes the job from its technician and searches in a new round. The caller holds the booking's lock."""
    lifecycle.move("booking", booking.status, "reopen")
    await end_assignment(tx, booking, assignment, actor, reason)
    await alerts.resolve(tx, JOB_ALERTS, booking_id=booking.id)
    step = lifecycle.BOOKING["reopen"]
    pending = await rows.reopen(tx.conn, booking_id=booking.id, target=step.target, sources=list(step.sources))
    assert pending is not None, "its lock is held, and the state was looked at"
    queue.freed(tx, assignment.technician_id)
    # What is said where nobody is looked for any more, the queue says.
    is_over = await search.why_not(tx, pending) in (queue.START_PASSED, queue.RETURNED)
    await facts.record(
        tx, booking.id, "booking.reopened", actor,
        {"reason": reason, "technician_id": str(assignment.technician_id), "is_over": is_over},
    )  # fmt: skip
    await search.search(tx, pending)


async def prefer(
    tx: Tx, booking_id: UUID, actor: Actor, *, priority: int | None = None, auto_assign: bool | None = None
) -> Booking:
    """Staff decide how important a booking is and whether it is searched for by itself; None leaves as it is.

    Without `auto_assign` an open offer goes on, and the next step is the manual queue; with it what waits there for
    want of it is searched for at once, also where its payment went back. Raises Missing, WrongState.
    """
    booking = await offers.lock(tx, booking_id)
    if booking.status not in (sources := lifecycle.BOOKING["cancel"].sources):
        raise lifecycle.WrongState(
            f"A booking that is {booking.status} is no longer searched for.",
            details={"state": booking.status, "step": "prioritise", "allowed_from": list(sources)},
        )
    old = {"assignment_priority": booking.priority, "auto_assignment_enabled": booking.auto_assign}
    new = {
        "assignment_priority": booking.priority if priority is None else priority,
        "auto_assignment_enabled": booking.auto_assign if auto_assign is None else auto_assign,
    }
    changes = {name: {"old": old[name], "new": new[name]} for name in old if old[name] != new[name]}
    if not changes:
        return booking
    await rows.set_priority(
        tx.conn, booking_id=booking_id, priority=new["assignment_priority"],
        auto_assign=new["auto_assignment_enabled"],
    )  # fmt: skip
    stopped = booking.queue_reason in (queue.MANUAL, queue.RETURNED) and booking.status == "pending"
    if new["auto_assignment_enabled"] and stopped:
        await rows.wait_for(
            tx.conn, booking_id=booking_id, action="dispatch", at=tx.now, target="pending", sources=["pending"]
        )
        tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})
    await audit.record(tx, actor, "update_booking", "booking", booking_id, changes)
    await facts.record(tx, booking_id, "booking.priority_changed", actor, changes)
    return await offers.lock(tx, booking_id)


async def rate(tx: Tx, booking_id: UUID, account_id: UUID, rating: int, feedback: str | None) -> None:
    """One to five stars, once, by the customer of a completed booking. Raises Missing, NotRateable."""
    booking = await offers.lock(tx, booking_id)
    if booking.account_id != account_id:
        raise Missing("booking")
    technician_id = await rows.rate(
        tx.conn, booking_id=booking_id, account_id=account_id, rating=rating, feedback=feedback
    )
    if technician_id is None:
        raise NotRateable()
    await rows.count_rating(tx.conn, technician_id=technician_id, rating=rating)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    await facts.record(tx, booking_id, "booking.rated", Actor("customer", str(account_id)), {"rating": rating})


async def release_unpaid(tx: Tx, booking: Booking) -> None:
    """An online booking that nobody paid for in time frees its interval (C78); a part that the wallet paid goes back.

    The caller holds the lock.
    """
    paid = await payment_rows.settled_of_booking(tx.conn, booking_id=booking.id)
    assert paid is not None, "a sum is always there"
    held_minor = paid.captured_minor - paid.dues_minor - paid.refunded_minor
    await end(tx, booking, SYSTEM, UNPAID, refund_minor=max(0, held_minor))
