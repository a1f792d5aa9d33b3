"""Who hears what about a booking: one table of notices, written with the fact that causes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.config import Settings
from dispatch.engine import facts, queue
from dispatch.events import Fact
from dispatch.outbox.languages import LANGUAGES, PIECES, REASONS, TEXTS
from dispatch.services import Reactions, Tx
from dispatch.vault import vault_of
from storage import notifications as rows
from storage.notifications import About


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of the table. It always stands in the app; `push`, `sms` and `email` say how else it travels, for those
    who want it so. Its texts in other languages stand in `languages`, by reader and type.

    `unless` names the kind of actor that needs no telling; nobody gets an SMS about what they did themselves.
    `once`: not of a fact that says `again`. `at_stake`: not of one that says `is_kept`: the job stays theirs. `sought`:
    not of one that says `is_over`: nobody is looked for. `only`, `but`: of a fact with this `reason` (or `problem`)
    alone, or of all others.
    """

    to: str
    type: str
    title: str
    message: str
    push: bool = True
    sms: bool = False
    email: bool = False
    unless: str | None = None
    once: bool = False
    at_stake: bool = False
    sought: bool = False
    only: str | None = None
    but: tuple[str, ...] = ()

    def is_about(self, fact: Fact) -> bool:
        """Whether somebody is to be told of this fact so."""
        reason = fact.data.get("reason") or fact.data.get("problem")
        fits = (self.only is None or reason == self.only) and reason not in self.but
        mutes = {"again": self.once, "is_kept": self.at_stake, "is_over": self.sought}
        is_muted = any(asked and fact.data.get(said) for said, asked in mutes.items())
        return fits and self.unless != fact.actor.kind and not is_muted


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it stands in the app, of an account or of a technician; its texts by language."""

    account_id: UUID | None
    technician_id: UUID | None
    booking_id: UUID | None
    type: str
    titles: dict[str, str]
    messages: dict[str, str]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Carried:
    """How a notice travels besides; those of one stream leave in order. Without a recipient: the account's own."""

    channel: str
    stream: str
    recipient: str | None
    data: dict[str, Any]


CUSTOMER, TECHNICIAN = "customer", "technician"
#: What is true for a time only is carried no longer than this, in real seconds.
LONGEST_LIFE_S = 86_400.0

#: Fact -> notices. {number}, {date}, {time}, {in_city} and {technician} are filled in, and, of what the reader may know
#: of the fact, {because}, {fee}, {refund}, {amount} and {returned}.
NOTICES: Mapping[str, tuple[Notice, ...]] = {
    "booking.created": (
        Notice(
            CUSTOMER, "booking_created", "Booking Received",
            "Your booking {number} for {date} at {time} has been received", push=False,
        ),
    ),
    "booking.approved": (
        Notice(
            CUSTOMER, "booking_approved", "Booking Approved", "Your organization has approved your booking {number}",
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
            "Your booking {number} has been confirmed", sms=True, email=True,
        ),
    ),
    "booking.queued": (
        Notice(
            CUSTOMER, "booking_queued", "Still Looking",
            "Nobody has taken your booking {number} yet. We keep looking and will tell you when somebody does",
            once=True, but=(queue.START_PASSED, queue.RETURNED),
        ),
        Notice(
            CUSTOMER, "booking_not_sought", "No Longer Looking",
            "The payment for your booking {number} goes back, so we no longer look for somebody. Our team looks after "
            "it; you may cancel it",
            email=True, only=queue.RETURNED,
        ),
        Notice(
            CUSTOMER, "booking_not_taken", "Nobody Could Come",
            "The time of your booking {number} has come and nobody has taken it. We are sorry: you may move it to "
            "another time or cancel it, and our team looks after it",
            sms=True, email=True, once=True, only=queue.START_PASSED,
        ),
    ),
    "booking.rescheduled": (
        Notice(
            CUSTOMER, "booking_rescheduled", "Booking Rescheduled",
            "Your booking {number} is now on {date} at {time}", sms=True, email=True,
        ),
        Notice(
            TECHNICIAN, "booking_rescheduled", "Job Rescheduled",
            "Booking {number} is now on {date} at {time}", sms=True,
        ),
    ),
    "booking.reopened": (
        Notice(
            CUSTOMER, "booking_reopened", "Finding Someone Else",
            "We are finding somebody else for your booking {number}", sought=True,
        ),
        Notice(
            TECHNICIAN, "job_taken_back", "Job Taken Back",
            "Booking {number} is no longer yours", sms=True, unless=TECHNICIAN,
        ),
    ),
    "booking.cancelled": (
        Notice(
            CUSTOMER, "booking_cancelled", "Booking Cancelled",
            "Your booking {number} has been cancelled{because}{fee}{refund}", sms=True, email=True,
        ),
        Notice(
            TECHNICIAN, "booking_cancelled", "Job Cancelled",
            "Booking {number} on {date} at {time} has been cancelled", sms=True,
        ),
    ),
    "booking.completed": (
        Notice(
            CUSTOMER, "booking_completed", "Booking Completed",
            "Your booking {number} is done. How was it?", email=True,
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
            at_stake=True, but=("not_started", "not_finished"),
        ),
        Notice(
            TECHNICIAN, "job_not_started", "Not Begun",
            "You have arrived for booking {number} and not begun: say so in the app when you do", only="not_started",
        ),
        Notice(
            TECHNICIAN, "job_not_finished", "Is It Done?",
            "Booking {number} was begun and is not done: say so in the app once it is, so that it counts for you",
            sms=True, only="not_finished",
        ),
    ),
    "payment.captured": (
        Notice(
            CUSTOMER, "payment_success", "Payment Received",
            "Your payment of {amount} for {number} has been received", email=True,
        ),
    ),
    "payment.failed": (
        Notice(
            CUSTOMER, "payment_failed", "Payment Failed",
            "The payment for {number} did not succeed; you can try again",
        ),
    ),
    "payment.refunded": (
        Notice(
            CUSTOMER, "payment_refunded", "Refund", "{amount} for your booking {number} {returned}", sms=True,
            email=True,
        ),
    ),
}  # fmt: skip


def register(reactions: Reactions) -> None:
    """Makes every fact in the table write its notices in its own transaction."""
    for fact_type in NOTICES:
        reactions.on(fact_type, write)


async def write(tx: Tx, fact: Fact) -> None:
    """Writes the notices of one fact: rows for the app, outbox rows for push, SMS and e-mail."""
    about = await _about(tx, fact)
    if about is None:
        return
    for notice in NOTICES[fact.type]:
        if not notice.is_about(fact):
            continue
        told = facts.view(fact.type, notice.to, fact.data, actor_kind=fact.actor.kind)
        _hand_on(tx, notice, fact, about, told)


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


def _hand_on(tx: Tx, notice: Notice, fact: Fact, about: About, told: Mapping[str, Any]) -> None:
    is_customer = notice.to == CUSTOMER
    owner_id = about.account_id if is_customer else about.technician_id
    if owner_id is None or (is_customer and not about.is_reachable):
        return
    account_id, technician_id = (owner_id, None) if is_customer else (None, owner_id)
    titles, texts = _texts(notice, about, fact, told)
    metadata = {"booking_id": str(fact.booking_id), "booking_number": about.number, "event": fact.type}
    row = Told(account_id, technician_id, fact.booking_id, notice.type, titles, texts, metadata)
    params: dict[str, Any] = {"type": notice.type, **metadata}
    if until := told.get("expires_at"):
        # By the clock of whoever carries it, which is the machine's.
        left_s = tx.services.clock.real_seconds_until(datetime.fromisoformat(str(until)))
        params["life_s"] = round(min(left_s, LONGEST_LIFE_S))
    stream = f"{fact.booking_id}:{notice.to}"
    carried: list[Carried] = []
    if notice.push:
        carried.append(_push(tx.services.settings, notice.to, owner_id, stream, params))
    is_news = fact.actor.kind != notice.to
    # A customer's phone and address are looked up when the message is written.
    phone = None if is_customer else about.technician_phone
    if notice.sms and (is_customer or phone) and is_news:
        carried.append(Carried("sms", f"sms:{stream}", phone, params))
    if notice.email and is_customer and is_news:
        carried.append(Carried("email", f"email:{stream}", None, params))
    tx.late(_put_all, (row, carried))


def _push(settings: Settings, to: str, owner_id: UUID, stream: str, params: Mapping[str, Any]) -> Carried:
    topic = push_topic(settings, to, owner_id)
    return Carried("push", f"push:{stream}", f"{to}:{owner_id}", {**params, "topic": topic})


async def _put_all(tx: Tx, told: list[tuple[Told, list[Carried]]]) -> None:
    """Writes all notices of a transaction, and what carries them, in one statement."""
    notices = [row for row, _ in told]
    carried = [(number, one) for number, (_, several) in enumerate(told, 1) for one in several]
    await rows.put_all(
        tx.conn, account_ids=[n.account_id for n in notices], technician_ids=[n.technician_id for n in notices],
        booking_ids=[n.booking_id for n in notices], types=[n.type for n in notices],
        titles=[n.titles for n in notices], messages=[n.messages for n in notices],
        metadata=[n.metadata for n in notices], notice_numbers=[number for number, _ in carried],
        channels=[c.channel for _, c in carried], streams=[c.stream for _, c in carried],
        recipients=[c.recipient for _, c in carried], data=[c.data for _, c in carried],
    )  # fmt: skip
    if carried:
        tx.hint(bus.OUTBOX_FILLED, {"channels": sorted({c.channel for _, c in carried})})


def push_topic(settings: Settings, realm: str, subject_id: UUID) -> str:
    """The push topic that this person's apps subscribe to; it cannot be guessed from the id."""
    return f"{realm}-{vault_of(settings).fingerprint('push', f'{realm}:{subject_id}')}"


def _texts(notice: Notice, about: About, fact: Fact, told: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Titles and messages of a notice by language."""
    titles: dict[str, str] = {}
    texts: dict[str, str] = {}
    for language in LANGUAGES:
        title, text = TEXTS.get(language, {}).get((notice.to, notice.type), (notice.title, notice.message))
        titles[language] = title
        texts[language] = text.format_map(_words(about, fact, told, language))
    return titles, texts


def _words(about: About, fact: Fact, told: Mapping[str, Any], language: str) -> dict[str, str]:
    """What the texts may say: of the booking, and of the part of the fact that is the reader's business."""
    reason, currency, pieces = told.get("reason"), str(told.get("currency") or ""), PIECES[language]
    fee_minor, refund_minor = int(told.get("fee_minor") or 0), int(told.get("refund_minor") or 0)
    if fact.actor.kind == "system":
        # Of what the machine says only what it ends bookings for is meant for people.
        reason = REASONS[language].get(str(reason))
    elif fact.actor.kind == "organisation":
        reason = REASONS[language].get(str(reason), reason)
    # What customers said themselves needs no repeating.
    is_told = reason and fact.actor.kind in ("admin", "erp", "organisation", "system")
    return {
        "number": about.number,
        "date": about.local_date.strftime(pieces["date"]),
        "time": f"{about.local_time:%H:%M}",
        "in_city": pieces["in_city"].format(about.city) if about.city else "",
        "technician": about.technician_name or pieces["nobody"],
        "because": pieces["because"].format(str(reason).rstrip(".")) if is_told else "",
        "fee": pieces["fee"].format(money(fee_minor, currency)) if fee_minor else "",
        "refund": pieces["refund"].format(money(refund_minor, currency)) if refund_minor else "",
        "amount": money(int(told.get("amount_minor") or 0), currency),
        "returned": pieces["to_wallet" if told.get("to_wallet") else "returned"],
    }


def money(amount_minor: int, currency: str) -> str:
    """An amount for a sentence: `INR 1,682.80`."""
    return f"{currency} {amount_minor / 100:,.2f}"
