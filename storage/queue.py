"""The queue of bookings that wait for a technician, as staff and services read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.candidates import Pair
from storage.customer_bookings import SEARCH, local_days
from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Slice, Sort, Wanted
from storage.database.pool import Conn

sql = Statements("queue")


@dataclass(frozen=True, slots=True)
class Waiting:
    booking_id: UUID
    number: str
    status: str
    local_date: date
    local_time: time
    timezone: str
    starts_at: datetime
    categories: list[str]
    address: dict[str, Any]
    priority: int
    queued_at: datetime | None
    queue_reason: str | None
    waits_for: list[str]
    round: int
    attempt: int
    next_action_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What a booking that waits asks for."""

    id: UUID
    account_id: UUID
    organisation_id: UUID | None
    lat: float
    lng: float
    zone_id: UUID | None
    timezone: str
    categories: list[str]
    tiers: list[str]
    starts_at: datetime
    ends_at: datetime
    priority: int


@dataclass(frozen=True, slots=True)
class Room:
    """How many offers a technician holds, and whether one of them is in the first place."""

    technician_id: UUID
    offers: int
    is_first_taken: bool


@dataclass(frozen=True, slots=True)
class Woken:
    id: UUID


around = sql.rows("around", Asked)
rooms = sql.rows("rooms", Room)
refused = sql.rows("refused", Pair)
near_start = sql.rows("near_start", Asked)
wake = sql.rows("wake", Woken)
wake_all = sql.run("wake_all")

#: queued (people see it; it rests while an offer is open), pending (no offer is open), partner_assigned (one is).
_STATES = (
    "('queued' = ANY({}::text[]) AND b.queued_at IS NOT NULL AND b.status = 'pending')"
    " OR ('pending' = ANY({}::text[]) AND b.status = 'pending')"
    " OR ('partner_assigned' = ANY({}::text[]) AND b.status = 'partner_assigned')"
)

#: By importance, then by age.
waiting = Listed(
    sql, "waiting", Waiting,
    key=Sort("b.id", "uuid"),
    sorts={
        "priority": Sort("b.priority", "int"),
        "waiting_since": Sort("coalesce(b.queued_at, b.created_at)", "timestamptz"),
        "starts_at": Sort("b.starts_at", "timestamptz"),
    },
    default_sort=(("priority", True), ("waiting_since", False)),
    filters={"status": _STATES, "priority": AnyOf("b.priority", "int"), **local_days("b")},
    search=SEARCH,
    indexed=[("", ()), ("", ("status",))],
)  # fmt: skip


async def page(conn: Conn, wanted: Wanted) -> Slice[Waiting]:
    """One page; without a wanted status those in the manual queue and those without an open offer."""
    if "status" not in wanted.filters:
        wanted = replace(wanted, filters={**wanted.filters, "status": ["queued", "pending"]})
    return await waiting.page(conn, wanted)
