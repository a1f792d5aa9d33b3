"""What happened, and who may know what of it: the table of facts, and how one is written.

A new fact is one row here. Timelines, sockets, webhooks and notifications ask `view()`; nothing else decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Literal
from uuid import UUID

from dispatch import bus
from dispatch.events import STAFF, Actor, Fact
from dispatch.live.counts import FACTS
from dispatch.logs import REQUEST_ID, get_logger
from dispatch.services import PartyFact, Tx
from geo.geodesy import rounded
from storage import facts as rows
from storage.bookings import Booking

log = get_logger("dispatch.facts")

#: Who reads facts, and the side of the table that they read. Staff and the operator's own systems (`platform`) read
#: everything and need no column.
READERS: Mapping[str, str] = {
    "customer": "buyer", "organisation": "buyer", "integration": "buyer",
    "technician": "worker", "provider": "worker",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """The keys of one fact's data that each side may read.

    `place` are told only while the tie that the fact is about stands (an open offer, a live job).
    """

    buyer: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    place: tuple[str, ...] = ()


#: Free words. Whoever said them may read them, and everybody what the house itself said; nobody else's words pass.
WORDS = ("reason",)
#: But for these, of who says it and who hears it: an organisation answers its member, not the other way round.
HEARD = (("organisation", "customer"),)

_TIE = ("offer_id", "technician_id")
_JOB = ("assignment_id", "technician_id")

#: Facts of a booking, in the contract's words (R113) and, for what it has no word for, in its manner. Of a fact that
#: shows them nothing, readers still get name and number, so that `seq` has no gap.
BOOKING_FACTS: Mapping[str, Row] = {
    "booking.created": Row(("number", "payment_method"), ("number",)),
    "booking.approved": Row(),
    "booking.confirmed": Row(("technician_id",), _JOB),
    "booking.cancelled": Row(("by", "reason", "fee_minor", "refund_minor", "currency"), ("by",)),
    "booking.completed": Row((), ("assignment_id", "earning_minor", "currency")),
    "booking.queued": Row(),
    "booking.rescheduled": Row(("from", "to"), ("from", "to")),
    "booking.reopened": Row((), ("technician_id",)),
    "booking.rated": Row(("rating",), ("rating",)),
    "booking.refunded": Row(("amount_minor", "currency")),
    "booking.priority_changed": Row(),
    "partner.assigned": Row((), (*_TIE, "expires_at")),
    "partner.accepted": Row(("technician_id",), _TIE),
    "partner.rejected": Row((), (*_TIE, "reason")),
    "partner.expired": Row((), _TIE),
    "partner.withdrawn": Row((), _TIE),
    "partner.in_transit": Row(("estimated_arrival",), (*_JOB, "estimated_arrival")),
    "partner.near": Row((), _JOB),
    "partner.arrived": Row((), _JOB),
    "partner.dark": Row((), _JOB),
    "partner.cancelled": Row((), ("technician_id", "reason")),
    "technician.left": Row(("is_taken_back", "distance_m"), (*_JOB, "is_taken_back", "distance_m")),
    "service.started": Row((), _JOB),
    "watch.warned": Row((), ("problem", "technician_id")),
    "payment.captured": Row(("amount_minor", "currency")),
    "payment.failed": Row(("reason",)),
    "payment.switched": Row(("payment_method",), ("payment_method",)),
    "payment.refunded": Row(("amount_minor", "currency", "to_wallet")),
}

_LINE = (
    "transaction_id", "type", "category", "status", "amount_minor", "currency", "reference", "method", "customer_id",
)  # fmt: skip

#: Facts of a party's own stream: a technician's offers, jobs and earnings, and whether they are offered any.
PARTY_FACTS: Mapping[str, Row] = {
    "offer.made": Row(
        worker=(
            "offer_id", "booking_id", "booking_number", "starts_at", "ends_at", "categories", "city",
            "earning_minor", "currency", "expires_at", "payment_method", "grand_total_minor", "wallet_minor",
            "outstanding_fee_minor", "amount_to_collect_minor",
        ),
        place=("pincode", "lat", "lng", "distance_m"),
    ),
    "presence.changed": Row(worker=("is_available", "by")),
    "offer.closed": Row(worker=("offer_id", "booking_id", "booking_number", "state")),
    "job.updated": Row(
        worker=(
            "booking_id", "assignment_id", "offer_id", "technician_id", "state", "reason", "starts_at", "warning",
            "left",
        )
    ),
    "earnings.updated": Row(
        worker=(
            "booking_id", "booking_number", "earning_id", "earning_minor", "payout_id", "payout_number", "net_minor",
            "currency", "status",
        )
    ),
    # A provider's own: what its wallet holds, its statement, its payouts.
    "wallet.updated": Row(worker=("available_minor", "pending_minor", "cash_minor", "currency")),
    "transaction.created": Row(worker=_LINE),
    "transaction.updated": Row(worker=_LINE),
    "subscription.updated": Row(
        worker=(
            "subscription_id", "customer_id", "plan_name", "status", "derived_status", "expiry_date", "amount_minor",
            "currency",
        )
    ),
    "payout.updated": Row(worker=("payout_id", "invoice", "amount_minor", "currency", "status")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """A fact that is no booking's: which owners of webhooks hear of it when it is about them, and its keys."""

    owners: tuple[str, ...]
    keys: tuple[str, ...]


#: A line of a provider's statement; amounts are in the units that it chose.
_TOLD_LINE = tuple("amount" if key == "amount_minor" else key for key in _LINE)

#: What a billed app paid, and how its account stands since.
_PAYMENT = ("payment_id", "amount_minor", "currency", "reference", "paid_on", "owed_minor", "credit_minor")

#: What organisations (R114), integrations and providers are told of their own affairs, by webhook only.
OWNER_FACTS: Mapping[str, OwnerRow] = {
    "user.enrolled": OwnerRow(
        ("organisation",), ("member_id", "employee_id", "name", "email", "department_id", "program_id"),
    ),
    "user.suspended": OwnerRow(("organisation",), ("member_id", "employee_id", "name", "email", "reason")),
    "invoice.generated": OwnerRow(
        ("organisation",),
        ("invoice_id", "invoice_number", "amount_minor", "currency", "period_start", "period_end", "due_date"),
    ),
    "partner.status_changed": OwnerRow(("integration",), ("from", "to", "reason")),
    "api.usage_alert": OwnerRow(("integration",), ("used", "limit", "percent", "month")),
    "maintenance.scheduled": OwnerRow(("integration",), ("starts_at", "ends_at", "text")),
    "account.payment_recorded": OwnerRow(("integration",), _PAYMENT),
    "account.payment_reversed": OwnerRow(("integration",), (*_PAYMENT, "reason")),
    "transaction.created": OwnerRow(("provider",), _TOLD_LINE),
    "transaction.updated": OwnerRow(("provider",), _TOLD_LINE),
    "payout.updated": OwnerRow(("provider",), ("payout_id", "invoice", "amount", "currency", "status")),
    "subscription.updated": OwnerRow(
        ("provider",),
        (
            "subscription_id", "customer_id", "plan_name", "status", "derived_status", "expiry_date", "amount",
            "currency",
        ),
    ),
    "security.alert": OwnerRow(("integration",), ("kind", "text", "at")),
}  # fmt: skip

#: What a line of the log says of a fact besides its name: ids and counts, nobody's words.
_LOGGED = ("offer_id", "assignment_id", "technician_id", "round", "attempt", "by", "amount_minor", "problem")

_ALL: Mapping[str, Row] = {**BOOKING_FACTS, **PARTY_FACTS}


# ---------------------------------------------------------------- what is known of each other, by stage


class Stage(StrEnum):
    """How far the tie of a technician and a booking has come."""

    OFFERED = "offered"
    OWN = "own"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Known:
    """What the two sides of a tie know of each other.

    `place` is what the technician knows of the customer's door, `address` those lines of it (None: all), `contact`
    the keys of the contact; `phone`: whether the customer has the technician's number.
    """

    place: Literal["exact", "rough", "none"]
    address: tuple[str, ...] | None
    contact: tuple[str, ...] = ()
    phone: bool = False


#: Never the customer's e-mail; nothing of the place once it is over.
KNOWN: Mapping[Stage, Known] = {
    Stage.OFFERED: Known("rough", ("city", "state", "pincode")),
    Stage.OWN: Known("exact", None, ("name", "phone"), phone=True),
    Stage.OVER: Known("none", ("city", "state")),
}

#: How rough a rough place is, in metres.
ROUGH_M = 500.0


@dataclass(frozen=True, slots=True)
class Door:
    """What a technician may know of where a booking is; degrees, None where that is nothing."""

    address: dict[str, Any]
    lat: float | None
    lng: float | None
    contact: dict[str, Any] | None


def stage_of(state: str | None, completed_at: datetime | None, now: datetime, contact_hours: float) -> Stage:
    """`state` is the contract's assignment state, None without one. Contacts stay readable for so many hours after the
    job is done, for what was forgotten and what went wrong.
    """
    if state == "assigned":
        return Stage.OFFERED
    if state in ("accepted", "in_transit", "arrived", "in_progress"):
        return Stage.OWN
    if state == "completed" and completed_at is not None and now < completed_at + timedelta(hours=contact_hours):
        return Stage.OWN
    return Stage.OVER


def door(stage: Stage, address: Mapping[str, Any], lat: float, lng: float, contact: Mapping[str, Any]) -> Door:
    """The place and the person as a technician may know them at this stage."""
    known = KNOWN[stage]
    shown = dict(address) if known.address is None else {key: address.get(key) for key in known.address}
    where: tuple[float | None, float | None] = (lat, lng)
    if known.place != "exact":
        where = rounded(lat, lng, ROUGH_M) if known.place == "rough" else (None, None)
    person = {key: contact[key] for key in known.contact if key in contact}
    return Door(shown, *where, person or None)


def rough_m(distance_m: float | None) -> int | None:
    """A distance that says no more of a place than the rough place does."""
    return None if distance_m is None else max(1, round(distance_m / ROUGH_M)) * int(ROUGH_M)


# ---------------------------------------------------------------- writing and reading


class UnknownFact(LookupError):
    """A fact without a row in the table: nobody would know who may read it."""


def view(
    fact_type: str, reader: str, data: Mapping[str, Any], *, actor_kind: str | None = None, stands: bool = True
) -> dict[str, Any]:
    """What `reader` (a kind of caller) may read of a fact's data; `actor_kind` is who caused it, where that is known.

    Not `stands`: the tie is over, and with it what was known of the place. A fact that the table no longer has is
    shown without data.
    """
    if reader in STAFF or reader == "platform":
        return dict(data)
    row = _ALL.get(fact_type, Row())
    keys: tuple[str, ...] = getattr(row, READERS[reader])
    if stands and READERS[reader] == "worker":
        keys += row.place
    hidden = () if actor_kind in (None, reader, *STAFF) or (actor_kind, reader) in HEARD else WORDS
    return {key: data[key] for key in keys if key not in hidden and key in data}


def check_owner_fact(fact_type: str, owner_kind: str, data: Mapping[str, Any]) -> None:
    """Raises UnknownFact unless such an owner hears of such a fact, and of all these keys."""
    row = OWNER_FACTS.get(fact_type)
    if row is None or owner_kind not in row.owners or data.keys() - set(row.keys):
        raise UnknownFact(f"{fact_type} for {owner_kind}: {sorted(data)}")


async def record(
    tx: Tx,
    booking_id: UUID,
    fact_type: str,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> Fact:
    """Appends a fact to the booking's timeline when the transaction commits, and runs its reactions now.

    The caller holds the booking's row lock. Raises UnknownFact.
    """
    if fact_type not in BOOKING_FACTS:
        raise UnknownFact(fact_type)
    fact = Fact(booking_id, fact_type, actor, data or {})
    tx.late(_append, fact)
    await tx.services.reactions.run(tx, fact)
    return fact


#: Facts of a booking that nobody has taken yet: no technician's job begins, changes or ends with them.
_OF_NO_JOB = frozenset({"booking.created", "booking.queued", "partner.assigned", "partner.rejected", "partner.expired"})


def to_count(tx: Tx, booking_id: UUID, more: int) -> int:
    """How many facts a change of the booking's row counts along with it: those that wait, and `more` that follow it.

    So the row is not changed once more for its counter alone. Whoever asks tells `count` what became of it.
    """
    waiting = len([fact for fact in tx.waiting(_append) if fact.booking_id == booking_id])
    return waiting - tx.counted.get(booking_id, (0, 0))[1] + more


def count(tx: Tx, booking: Booking, many: int) -> None:
    """The booking's row has counted so many facts more, as `to_count` had said."""
    tx.counted[booking.id] = booking.event_seq, tx.counted.get(booking.id, (0, 0))[1] + many


async def _append(tx: Tx, told: list[Fact]) -> None:
    """Numbers and writes the facts of a transaction, those of one booking in one statement."""
    for booking_id in dict.fromkeys(fact.booking_id for fact in told):
        mine = [fact for fact in told if fact.booking_id == booking_id]
        last_seq, many = tx.counted.pop(booking_id, (0, 0))
        assert many <= len(mine), "what was counted is told"
        account_id = None
        if many:
            account_id = await rows.append_numbered(tx.conn, last_seq=last_seq, **_columns(booking_id, mine[:many]))
        if mine[many:]:
            account_id = await rows.append_booking(tx.conn, **_columns(booking_id, mine[many:]))
        assert account_id is not None, "a fact needs its booking"
        tx.after_commit(partial(_committed, mine))
        tx.hint(bus.BOOKING_CHANGED, {
            "booking_id": str(booking_id), "account_id": str(account_id),
            "may_have_job": not all(fact.type in _OF_NO_JOB for fact in mine),
        })  # fmt: skip


def _columns(booking_id: UUID, told: list[Fact]) -> dict[str, Any]:
    return {
        "booking_id": booking_id, "types": [f.type for f in told], "actor_kinds": [f.actor.kind for f in told],
        "actor_ids": [f.actor.id for f in told], "data": [f.data for f in told], "request_id": REQUEST_ID.get(),
    }  # fmt: skip


def _committed(told: list[Fact]) -> None:
    """Each decision leaves a line and a count."""
    for fact in told:
        FACTS.labels(fact.type).inc()
        which = {key: fact.data[key] for key in _LOGGED if fact.data.get(key) is not None}
        log.info("fact", type=fact.type, booking=str(fact.booking_id), actor=fact.actor.kind, **which)


def tell_party(tx: Tx, party_id: UUID, fact_type: str, data: dict[str, Any]) -> None:
    """Appends a fact to a party's own stream (a technician's offers, jobs, earnings) when the transaction commits.

    All of it is for them, so all of its keys stand in the table. Raises UnknownFact.
    """
    row = PARTY_FACTS.get(fact_type)
    if row is None or (unknown := data.keys() - {*row.worker, *row.place}):
        raise UnknownFact(fact_type if row is None else f"{fact_type}: {sorted(unknown)}")
    tx.tell_party(PartyFact(party_id, fact_type, data))
