"""The tables of commands and facts that travel over sockets: data, because AsyncAPI is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from api.realtime.ops_events import OpsAlert, OpsDelta, OpsSnapshot, Watch, Watched
from api.realtime.payloads import Command as Command
from api.realtime.payloads import Payload, Told
from api.shared.signing import StartCode
from api.wire.models import Moment
from geo.filter import MAX_T_MS

TECHNICIAN, CUSTOMER, PROVIDER, OPS = "/technician", "/customer", "/provider", "/ops"

#: What a resume (all streams of somebody) and a watch of one thing cost, in events.
RESUME_COST, TRACK_COST = 5.0, 2.0
#: What one location frame may hold.
MAX_FIXES = 50


class PresenceSet(Command):
    online: Annotated[bool, Field(strict=True)]


#: As the documents describe a fix; the ping's way judges each by itself, so that a bad one never costs a batch.
_FIX_SCHEMA = {
    "type": "array",
    "minItems": 3,
    "maxItems": 6,
    "prefixItems": [
        {"type": "number", "minimum": 0, "maximum": MAX_T_MS, "description": "t_ms: unix milliseconds, by the phone"},
        {"type": "number", "minimum": -90, "maximum": 90, "description": "lat: degrees"},
        {"type": "number", "minimum": -180, "maximum": 180, "description": "lng: degrees"},
        {"type": ["number", "null"], "description": "accuracy_m: 0 to 100,000"},
        {"type": ["number", "null"], "description": "speed_mps: 0 to 1,000"},
        {"type": ["number", "null"], "description": "heading_deg: 0 to 360"},
    ],
    "description": "The last three are optional; a value out of its range, such as -1 for unknown, is as if absent.",
}
_SENT_SCHEMA = {
    "type": ["number", "null"],
    "minimum": 0,
    "maximum": MAX_T_MS,
    "description": "The phone's own time when it sends the frame: how far its clock is off is estimated from it.",
}

Fix = Annotated[Any, WithJsonSchema(_FIX_SCHEMA)]


class LocationReport(Payload):
    """Fixes `[t_ms, lat, lng, accuracy_m, speed_mps, heading_deg]` in any order, and when the frame was sent.

    Refused as `rate_limited` nothing was taken: send the same again after `retry_after_s`.
    """

    fixes: Annotated[list[Fix], Field(min_length=1, max_length=MAX_FIXES)]
    sent_at_ms: Annotated[Any, WithJsonSchema(_SENT_SCHEMA)] = None


class OfferAccept(Command):
    offer_id: UUID


class OfferReject(Command):
    offer_id: UUID
    reason: Annotated[str, Field(max_length=500)] | None = None


class JobAdvance(Command):
    """`start_code` is what the customer shows, where the booking asks for one."""

    booking_id: UUID
    step: Literal["in_transit", "arrived", "in_progress", "completed"]
    estimated_arrival: Moment | None = None
    start_code: StartCode | None = None


class Resume(Payload):
    """The last `seq` seen of each stream, and the epoch that they were seen under."""

    streams: Annotated[dict[UUID, Annotated[int, Field(ge=0, le=2**53, strict=True)]], Field(max_length=200)] = Field(
        default_factory=dict
    )
    epoch: Annotated[str, Field(max_length=64)] | None = None


class Track(Payload):
    booking_id: UUID


class FactOut(Told):
    """`seq` is gapless per stream; another `epoch` means another history: start from a snapshot."""

    epoch: str
    seq: int
    at: datetime


class OfferMade(FactOut):
    """In minor units; `amount_to_collect_minor` is to be taken at the door: price - wallet + outstanding fee."""

    offer_id: UUID
    booking_id: UUID
    expires_at: datetime
    payment_method: str
    currency: str
    grand_total_minor: int
    wallet_minor: int
    outstanding_fee_minor: int
    amount_to_collect_minor: int
    earning_minor: int


class PresenceChanged(FactOut):
    """Whether jobs are offered to you, and who decided it."""

    is_available: bool
    by: Literal["technician", "admin"]


class OfferClosed(FactOut):
    offer_id: UUID
    state: Literal["accepted", "rejected", "expired", "withdrawn"]


class JobUpdated(FactOut):
    booking_id: UUID


class EarningsUpdated(FactOut):
    """Something was posted for this technician."""


class BookingUpdated(FactOut):
    """`event` is the contract's word for what happened, such as `partner.assigned`."""

    booking_id: UUID
    event: str
    data: dict[str, Any] = Field(default_factory=dict)


class Reset(Told):
    """A stream that cannot be continued from what the client saw: this is where and how it stands now.

    Facts go on after the number. `snapshot` is the booking's state, the technician's open offers and coming jobs, or
    the provider's wallet.
    """

    epoch: str
    streams: dict[UUID, int]
    snapshot: dict[str, Any]


class Camel(FactOut):
    """Keys in camelCase, and amounts in the units that the provider chose."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class WalletUpdated(Camel):
    """What can be paid out now, what is being paid out, and what was taken at the door."""

    available: float
    pending: float
    cash: float
    currency: str


class TransactionTold(Camel):
    transaction_id: UUID
    type: Literal["credit", "debit"]
    category: str
    status: str
    amount: float
    currency: str
    reference: str
    method: str
    customer_id: UUID | None


class PayoutUpdated(Camel):
    payout_id: UUID
    invoice: str
    amount: float
    currency: str
    status: Literal["pending", "completed", "failed"]


class SubscriptionUpdated(Camel):
    subscription_id: UUID
    customer_id: UUID
    plan_name: str
    status: str
    derived_status: str
    expiry_date: datetime
    amount: float
    currency: str


class TechnicianMoved(Told):
    """Lossy: the latest position counts. `eta_s` is null when nothing honest can be said of the arrival;
    `eta_confidence`, 0 to 1, falls with the age and the accuracy of the fix and with the distance."""

    booking_id: UUID
    lat: float
    lng: float
    at: datetime
    accuracy_m: float
    fix_age_s: float
    heading_deg: float | None = None
    distance_m: float | None = None
    eta_s: float | None = None
    eta_confidence: float | None = None


class TechnicianNear(Told):
    booking_id: UUID
    at: datetime


class TechnicianArrived(Told):
    booking_id: UUID
    at: datetime


class PresenceKnown(Told):
    is_available: bool
    last_seen_at: datetime


class LocationTaken(Told):
    """What became of the fixes: admitted, standing still (`refreshed`), too late for the map but kept (`recorded`), and
    dropped by the step that dropped them. `clock_offset_ms` is what was added to the phone's times."""

    admitted: int
    refreshed: int
    recorded: int
    dropped: dict[str, int]
    clock_offset_ms: int


class JobKnown(Told):
    booking_id: UUID
    booking_number: str
    status: str
    step: str | None = None


class OfferRejected(Told):
    offer_id: UUID
    state: Literal["rejected"]


class Resumed(Told):
    """`streams` are the heads; those in `reset` start from the snapshot that was sent, or from what REST says."""

    epoch: str
    streams: dict[UUID, int]
    reset: list[UUID]


class Tracked(Told):
    """Where the booking's stream stands, and the technician if they can be shown."""

    epoch: str
    seq: int
    booking_id: UUID
    status: str
    technician: TechnicianMoved | None


class Untracked(Told):
    booking_id: UUID


Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event of one namespace: `in` is sent by clients and acknowledged, `out` by the server."""

    namespace: str
    name: str
    direction: Direction
    model: type[BaseModel]
    description: str
    answer: type[BaseModel] | None = None
    lossy: bool = False
    #: Of the principal's events: what asks the database for much costs more than one.
    cost: float = 1.0


def _in(
    namespace: str, name: str, model: type[BaseModel], answer: type[BaseModel], description: str, cost: float = 1.0
) -> EventSpec:  # fmt: skip
    return EventSpec(namespace, name, "in", model, description, answer, cost=cost)


def _out(namespace: str, name: str, model: type[BaseModel], description: str, lossy: bool = False) -> EventSpec:
    return EventSpec(namespace, name, "out", model, description, lossy=lossy)


EVENTS: tuple[EventSpec, ...] = (
    _in(TECHNICIAN, "presence.set", PresenceSet, PresenceKnown, "Go online for offers, or offline."),
    _in(TECHNICIAN, "location.report", LocationReport, LocationTaken, "Report where you are: one fix or a batch."),
    _in(TECHNICIAN, "offer.accept", OfferAccept, JobKnown, "Accept an open offer; the answer says who won."),
    _in(TECHNICIAN, "offer.reject", OfferReject, OfferRejected, "Reject an open offer; the next technician is asked."),
    _in(TECHNICIAN, "job.advance", JobAdvance, JobKnown, "Move your job to its next step."),
    _in(TECHNICIAN, "resume", Resume, Resumed, "Hear what you missed.", RESUME_COST),
    _out(TECHNICIAN, "presence.changed", PresenceChanged, "You went online or offline: here, elsewhere, or by staff."),
    _out(TECHNICIAN, "offer.made", OfferMade, "A job is offered to you until it expires."),
    _out(TECHNICIAN, "offer.closed", OfferClosed, "An offer is no longer open."),
    _out(TECHNICIAN, "job.updated", JobUpdated, "One of your jobs changed."),
    _out(TECHNICIAN, "earnings.updated", EarningsUpdated, "Your earnings changed."),
    _out(TECHNICIAN, "reset", Reset, "These streams must start from a snapshot."),
    _in(CUSTOMER, "track.start", Track, Tracked, "Watch the technician of your booking.", TRACK_COST),
    _in(CUSTOMER, "track.stop", Track, Untracked, "Stop watching."),
    _in(CUSTOMER, "resume", Resume, Resumed, "Hear what you missed.", RESUME_COST),
    _out(CUSTOMER, "booking.updated", BookingUpdated, "Something happened to one of your bookings."),
    _out(CUSTOMER, "technician.moved", TechnicianMoved, "Where the technician is.", lossy=True),
    _out(CUSTOMER, "technician.near", TechnicianNear, "The technician is close."),
    _out(CUSTOMER, "technician.arrived", TechnicianArrived, "The technician has arrived."),
    _out(CUSTOMER, "reset", Reset, "These streams must start from a snapshot."),
    _in(PROVIDER, "resume", Resume, Resumed, "Hear what you missed.", RESUME_COST),
    _out(PROVIDER, "wallet.updated", WalletUpdated, "The wallet holds more or less than before."),
    _out(PROVIDER, "transaction.created", TransactionTold, "A line was added to the statement."),
    _out(PROVIDER, "transaction.updated", TransactionTold, "A line of the statement changed."),
    _out(PROVIDER, "payout.updated", PayoutUpdated, "A payout was asked for, arrived or failed."),
    _out(PROVIDER, "subscription.updated", SubscriptionUpdated, "A subscription began, changed, went on or ended."),
    _out(PROVIDER, "earnings.updated", EarningsUpdated, "A technician's job was posted."),
    _out(PROVIDER, "reset", Reset, "These streams must start from a snapshot."),
    _in(OPS, "ops.watch", Watch, Watched, "Choose the visible area; a snapshot follows, then deltas.", RESUME_COST),
    _out(OPS, "ops.snapshot", OpsSnapshot, "Technicians, bookings, offers, queue and alerts in the area."),
    _out(OPS, "ops.delta", OpsDelta, "What changed, once a second.", lossy=True),
    _out(OPS, "ops.alert", OpsAlert, "Something needs a person."),
)


def find_event(namespace: str, name: str, direction: Direction) -> EventSpec | None:
    """The declaration of an event, if there is one."""
    for spec in EVENTS:
        if (spec.namespace, spec.name, spec.direction) == (namespace, name, direction):
            return spec
    return None
