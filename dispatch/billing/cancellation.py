"""What it costs to cancel: nothing at first and while nobody has accepted, then a share (R76, C72)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from dispatch.billing import cancelled
from dispatch.billing.refunds import OverRefund
from dispatch.config import Settings
from dispatch.engine import audit, bookings, lifecycle, offers
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.services import Services, Tx
from dispatch.shares import percent_of
from storage.bookings import Booking
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Terms:
    """What the fee goes by."""

    free_for: timedelta
    fee_percent: Decimal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What cancelling costs and what comes back, in minor units of the booking's currency."""

    fee_minor: int
    refund_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What cancelling would cost just now. `free_until` is when a fee begins, should a technician have accepted."""

    outcome: Outcome
    free_until: datetime


class Cancellable(Protocol):
    """What of a booking decides its fee."""

    @property
    def id(self) -> UUID: ...

    @property
    def status(self) -> str: ...

    @property
    def created_at(self) -> datetime: ...

    @property
    def grand_total_minor(self) -> int: ...

    @property
    def free_cancellation_s(self) -> float | None: ...

    @property
    def cancellation_fee_pct(self) -> float | None: ...


def outcome(booking: Cancellable, now: datetime, terms: Terms, paid_minor: int) -> Outcome:
    """The fee counts from creation and only once a technician has accepted; what is not held (`paid_minor`) is
    not refunded.
    """
    is_free = booking.status != "confirmed" or now < booking.created_at + terms.free_for
    fee = 0 if is_free else percent_of(booking.grand_total_minor, terms.fee_percent)
    return Outcome(fee, max(0, paid_minor - fee))


def terms_of(booking: Cancellable, settings: Settings) -> Terms:
    """Those that were accepted with the booking; of one that knows none, those of now."""
    free_s, fee_pct = booking.free_cancellation_s, booking.cancellation_fee_pct
    if free_s is None or fee_pct is None:
        free_s, fee_pct = settings.billing.free_cancellation_s, settings.billing.cancellation_fee_pct
    return Terms(timedelta(seconds=free_s), Decimal(str(fee_pct)))


async def quote(services: Services, conn: Conn, booking: Cancellable) -> Quote | None:
    """What its customer would be asked and given back; None when it can't be cancelled any more."""
    if booking.status not in lifecycle.BOOKING["cancel"].sources:
        return None
    terms = terms_of(booking, services.settings)
    paid_minor = await cancelled.held_minor(conn, booking.id)
    return Quote(outcome(booking, services.clock.now(), terms, paid_minor), booking.created_at + terms.free_for)


async def cancel(
    tx: Tx, booking_id: UUID, account_id: UUID, reason: str | None, *, actor: Actor | None = None
) -> tuple[Booking, Outcome]:
    """The customer cancels, or the app that booked for them (`actor`). Raises Missing (another's), WrongState once
    the job has begun or the booking is over.

    The promo code's use and the refund follow from the fact `booking.cancelled`, in this transaction.
    """
    booking = await offers.lock(tx, booking_id)
    if booking.account_id != account_id:
        raise Missing("booking")
    lifecycle.move("booking", booking.status, "cancel")
    terms = terms_of(booking, tx.services.settings)
    cost = outcome(booking, tx.now, terms, await cancelled.held_minor(tx.conn, booking_id))
    ended = await bookings.end(
        tx, booking, actor or Actor("customer", str(account_id)), reason, fee_minor=cost.fee_minor,
        refund_minor=cost.refund_minor,
    )  # fmt: skip
    return ended, cost


async def cancel_by_staff(
    tx: Tx, booking_id: UUID, actor: Actor, reason: str, *, refund_minor: int | None = None, to_wallet: bool = False
) -> tuple[Booking, Outcome]:
    """The house cancels: that costs nothing, and all that was paid goes back, or the part that staff say.

    `to_wallet`: into the customer's wallet instead of the way it came. Raises Missing, WrongState, OverRefund.
    """
    booking = await offers.lock(tx, booking_id)
    lifecycle.move("booking", booking.status, "cancel")
    held = await cancelled.held_minor(tx.conn, booking_id)
    if refund_minor is not None and refund_minor > max(held, 0):
        raise OverRefund(held, refund_minor, booking.currency)
    cost = Outcome(0, held if refund_minor is None else refund_minor)
    ended = await bookings.end(tx, booking, actor, reason, refund_minor=cost.refund_minor, refund_to_wallet=to_wallet)
    changes = {
        "status": {"old": booking.status, "new": ended.status}, "reason": reason, "refund_minor": cost.refund_minor,
        "to_wallet": to_wallet,
    }  # fmt: skip
    await audit.record(tx, actor, "cancel_booking", "booking", booking_id, changes)
    return ended, cost
