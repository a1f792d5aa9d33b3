"""Who hears what about a booking: one table of notices, written with the fact that causes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

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
    named = fact.data.get("technician_id")
    about = await rows.about(
        tx.conn, booking_id=fact.booking_id, technician_id=UUID(str(named)) if named else None
    )
    if about is None:
        return
    for notice in NOTICES[fact.type]:
        if notice.unless == fact.actor.kind or (notice.once and fact.data.get("again")):
            continue
        told = facts.view(fact.type, notice.to, fact.data, actor_kind=fact.actor.kind)
        await _write_one(tx, notice, fact, about, _words(about, fact, told))


async def _write_one(tx: Tx, notice: Notice, fact: Fact, about: About, words: Mapping[str, str]) -> None:
    is_customer = notice.to == CUSTOMER
    owner_id = about.account_id if is_customer else about.technician_id
    if owner_id is None or (is_customer and not about.is_reachable):
        return
    message = notice.message.format_map(words)
    metadata = {"booking_id": str(fact.booking_id), "booking_number": about.number, "event": fact.type}
    await rows.put(
        tx.conn, account_id=owner_id if is_customer else None,
        technician_id=None if is_customer else owner_id,
        booking_id=fact.booking_id, type=notice.type, title=notice.title, message=message, metadata=metadata,
    )  # fmt: skip
    params: dict[str, Any] = {"title": notice.title, "message": message, "type": notice.type, **metadata}
    if notice.push:
        topic = push_topic(tx.services.settings, notice.to, owner_id)
        await messages.enqueue(
            tx, "push", f"{notice.to}:{owner_id}", "notification", {**params, "topic": topic},
            stream=f"push:{fact.booking_id}:{notice.to}", account_id=owner_id if is_customer else None,
        )  # fmt: skip
    phone = about.account_phone if is_customer else about.technician_phone
    if notice.sms and phone and fact.actor.kind != notice.to:
        await messages.enqueue(
            tx, "sms", phone, "notification", params, stream=f"sms:{fact.booking_id}:{notice.to}",
            account_id=owner_id if is_customer else None,
        )  # fmt: skip


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
