"""Who hears what about a booking: one table of notices, written with the fact that causes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.config import Settings
from dispatch.engine import facts
from dispatch.events import Fact
from dispatch.outbox import messages
from dispatch.services import Reactions, Tx
from dispatch.vault import vault_of
from storage import notifications as rows
from storage.notifications import About


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of the table. It always stands in the app; `push` and `sms` say how else it travels.

    `unless` names the kind of actor that needs no telling; nobody gets an SMS about what they did themselves.
    `once`: not of a fact that says `again`.
    """

    to: str
    type: str
    title: str
    message: str
    push: bool = True
    sms: bool = False
    unless: str | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it stands in the app, of an account or of a technician."""

    account_id: UUID | None
    technician_id: UUID | None
    booking_id: UUID
    type: str
    title: str
    message: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Carried:
    """How a notice travels besides; those of one stream leave in order."""

    channel: str
    stream: str
    recipient: str | None
    data: dict[str, Any]
    account_id: UUID | None


CUSTOMER, TECHNICIAN = "customer", "technician"

#: Fact -> notices. {number}, {date}, {time}, {in_city} and {technician} are filled in, and, of what the reader may know
#: of the fact, {because}, {fee}, {refund}, {amount} and {returned}.
NOTICES: Mapping[str, tuple[Notice, ...]] = {
    "booking.created": (
        Notice(
            CUSTOMER, "booking_created", "Booking Received",
            "Your booking {number} for {date} at {time} has been received", push=False,
        ),
    ),
    "partner.assigned": (
        Notice(
            TECHNICIAN, "offer_made", "New Job Offer",
            "Booking {number} on {date} at {time}{in_city}: open the app to accept",
        ),
    ),
    "partner.accepted": (
        Notice(
            TECHNICIAN, "booking_assigned", "Job Assigned",
            "Booking {number} on {date} at {time}{in_city} is yours", unless=TECHNICIAN,
        ),
    ),
    "booking.confirmed": (
        Notice(
            CUSTOMER, "booking_confirmed", "Booking Confirmed",
            "Your booking {number} has been confirmed", sms=True,
        ),
    ),
    "booking.queued": (
        Notice(
            CUSTOMER, "booking_queued", "Still Looking",
            "Nobody has taken your booking {number} yet. We keep looking and will tell you when somebody does",
            once=True,
        ),
    ),
    "booking.rescheduled": (
        Notice(
            CUSTOMER, "booking_rescheduled", "Booking Rescheduled",
            "Your booking {number} is now on {date} at {time}", sms=True,
        ),
        Notice(
            TECHNICIAN, "booking_rescheduled", "Job Rescheduled",
            "Booking {number} is now on {date} at {time}",
        ),
    ),
    "booking.reopened": (
        Notice(
            CUSTOMER, "booking_reopened", "Finding Someone Else",
            "We are finding somebody else for your booking {number}",
        ),
        Notice(
            TECHNICIAN, "job_taken_back", "Job Taken Back",
            "Booking {number} is no longer yours", unless=TECHNICIAN,
        ),
    ),
    "booking.cancelled": (
        Notice(
            CUSTOMER, "booking_cancelled", "Booking Cancelled",
            "Your booking {number} has been cancelled{because}{fee}{refund}", sms=True,
        ),
        Notice(
            TECHNICIAN, "booking_cancelled", "Job Cancelled",
            "Booking {number} on {date} at {time} has been cancelled", sms=True,
        ),
    ),
    "booking.completed": (
        Notice(
            CUSTOMER, "booking_completed", "Booking Completed",
            "Your booking {number} is done. How was it?",
        ),
        Notice(
            TECHNICIAN, "booking_completed", "Job Completed",
            "Booking {number} is done and counted", push=False,
        ),
    ),
    "booking.rated": (
        Notice(TECHNICIAN, "booking_rated", "New Rating", "Booking {number} has been rated"),
    ),
    "partner.in_transit": (
        Notice(CUSTOMER, "partner_in_transit", "On The Way", "{technician} is on the way"),
    ),
    "partner.near": (
        Notice(CUSTOMER, "partner_near", "Almost There", "{technician} is close by"),
    ),
    "partner.arrived": (
        Notice(CUSTOMER, "partner_arrived", "Arrived", "{technician} has arrived"),
    ),
    "partner.dark": (
        Notice(
            CUSTOMER, "partner_dark", "No Word From Your Professional",
            "We have lost touch with {technician} for your booking {number} and are looking into it",
        ),
    ),
    "watch.warned": (
        Notice(
            TECHNICIAN, "job_late", "You Are Expected",
            "Booking {number} is waiting for you; without progress it goes to somebody else",
        ),
    ),
    "payment.captured": (
        Notice(
            CUSTOMER, "payment_success", "Payment Received",
            "Your payment of {amount} for {number} has been received",
        ),
    ),
    "payment.failed": (
        Notice(
            CUSTOMER, "payment_failed", "Payment Failed",
            "The payment for {number} did not succeed; you can try again",
        ),
    ),
    "payment.refunded": (
        Notice(CUSTOMER, "payment_refunded", "Refund", "{amount} for your booking {number} {returned}", sms=True),
    ),
}  # fmt: skip


def register(reactions: Reactions) -> None:
    """Makes every fact in the table write its notices in its own transaction."""
    for fact_type in NOTICES:
        reactions.on(fact_type, write)


async def write(tx: Tx, fact: Fact) -> None:
    """Writes the notices of one fact: rows for the app, outbox rows for push and SMS."""
    about = await _about(tx, fact)
    if about is None:
        return
    for notice in NOTICES[fact.type]:
        if notice.unless == fact.actor.kind or (notice.once and fact.data.get("again")):
            continue
        told = facts.view(fact.type, notice.to, fact.data, actor_kind=fact.actor.kind)
        _hand_on(tx, notice, fact, about, _words(about, fact, told))


async def _about(tx: Tx, fact: Fact) -> About | None:
    """What the notices of a fact may say. Of a booking that this transaction wrote it is known."""
    technician_id = UUID(str(named)) if (named := fact.data.get("technician_id")) else None
    booking = tx.known.get(fact.booking_id)
    if booking is None:
        return await rows.about(tx.conn, booking_id=fact.booking_id, technician_id=technician_id)
    person = tx.services.roster.find(technician_id) if technician_id else None
    return About(
        booking.number, booking.account_id, True, booking.local_date, booking.local_time,
        booking.address.get("city"), technician_id, person.name if person else None, person.phone if person else None,
    )  # fmt: skip


def _hand_on(tx: Tx, notice: Notice, fact: Fact, about: About, words: Mapping[str, str]) -> None:
    is_customer = notice.to == CUSTOMER
    owner_id = about.account_id if is_customer else about.technician_id
    if owner_id is None or (is_customer and not about.is_reachable):
        return
    account_id, technician_id = (owner_id, None) if is_customer else (None, owner_id)
    message = notice.message.format_map(words)
    metadata = {"booking_id": str(fact.booking_id), "booking_number": about.number, "event": fact.type}
    params: dict[str, Any] = {"title": notice.title, "message": message, "type": notice.type, **metadata}
    carried: list[Carried] = []
    if notice.push:
        topic = push_topic(tx.services.settings, notice.to, owner_id)
        data = {**params, "topic": topic}
        stream = f"push:{fact.booking_id}:{notice.to}"
        carried.append(Carried("push", stream, f"{notice.to}:{owner_id}", data, account_id))
    # A customer's phone is looked up when the message is written.
    phone = None if is_customer else about.technician_phone
    if notice.sms and (is_customer or phone) and fact.actor.kind != notice.to:
        carried.append(Carried("sms", f"sms:{fact.booking_id}:{notice.to}", phone, params, account_id))
    row = Told(account_id, technician_id, fact.booking_id, notice.type, notice.title, message, metadata)
    tx.late(_put_all, (row, carried))


async def _put_all(tx: Tx, told: list[tuple[Told, list[Carried]]]) -> None:
    """Writes all notices of a transaction, and what carries them, in one statement."""
    notices, carried = [row for row, _ in told], [one for _, several in told for one in several]
    await rows.put_all(
        tx.conn, account_ids=[n.account_id for n in notices], technician_ids=[n.technician_id for n in notices],
        booking_ids=[n.booking_id for n in notices], types=[n.type for n in notices], titles=[n.title for n in notices],
        messages=[n.message for n in notices], metadata=[n.metadata for n in notices],
        channels=[c.channel for c in carried], streams=[c.stream for c in carried],
        recipients=[c.recipient for c in carried], reached=[c.account_id for c in carried],
        data=[c.data for c in carried],
        bodies=[messages.TEMPLATES["notification"].format_map(c.data) for c in carried],
    )  # fmt: skip
    if carried:
        tx.hint(bus.OUTBOX_FILLED, {})


def push_topic(settings: Settings, realm: str, subject_id: UUID) -> str:
    """The push topic that this person's apps subscribe to; it cannot be guessed from the id."""
    return f"{realm}-{vault_of(settings).fingerprint('push', f'{realm}:{subject_id}')}"


def _words(about: About, fact: Fact, told: Mapping[str, Any]) -> dict[str, str]:
    """What the texts may say: of the booking, and of the part of the fact that is the reader's business."""
    reason, currency = told.get("reason"), str(told.get("currency") or "")
    fee_minor, refund_minor = int(told.get("fee_minor") or 0), int(told.get("refund_minor") or 0)
    return {
        "number": about.number,
        "date": f"{about.local_date:%d %b %Y}",
        "time": f"{about.local_time:%H:%M}",
        "in_city": f" in {about.city}" if about.city else "",
        "technician": about.technician_name or "Your professional",
        # What customers said themselves and what the machine says need no repeating.
        "because": f": {str(reason).rstrip('.')}" if reason and fact.actor.kind in ("admin", "erp") else "",
        "fee": f". The fee is {money(fee_minor, currency)}" if fee_minor else "",
        "refund": f". {money(refund_minor, currency)} goes back to you" if refund_minor else "",
        "amount": money(int(told.get("amount_minor") or 0), currency),
        "returned": "is in your wallet" if told.get("to_wallet") else "is on its way back to you",
    }


def money(amount_minor: int, currency: str) -> str:
    """An amount for a sentence: `INR 1,682.80`."""
    return f"{currency} {amount_minor / 100:,.2f}"
