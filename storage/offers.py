"""Rows of offers and assignments: who was asked, what they said, and the tie that came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("offers")


@dataclass(frozen=True, slots=True)
class Offer:
    id: UUID
    booking_id: UUID
    technician_id: UUID
    round: int
    attempt: int | None
    state: str
    score: float | None
    distance_m: int | None
    earning_minor: int
    currency: str
    made_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class TechnicianId:
    technician_id: UUID


@dataclass(frozen=True, slots=True)
class BookingId:
    booking_id: UUID


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a technician may work at all, and for one customer."""

    is_active: bool
    is_verified: bool
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    id: UUID
    booking_id: UUID
    offer_id: UUID
    technician_id: UUID
    state: str
    payee_id: UUID
    technician_share_pct: float
    earning_minor: int
    accepted_at: datetime
    in_transit_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    estimated_arrival: datetime | None
    start_code_tries: int


@dataclass(frozen=True, slots=True)
class OpenJob:
    """What the tracker needs of an accepted job. `is_approximate`: the place is about there, the door is not known."""

    assignment_id: UUID
    booking_id: UUID
    technician_id: UUID
    state: str
    account_id: UUID
    lat: float
    lng: float
    starts_at: datetime
    ends_at: datetime
    is_approximate: bool


make = sql.row("make", Offer)
make_if_free = sql.row("make_if_free", Offer)
get = sql.row("get", Offer)
latest_for = sql.row("latest_for", Offer)
open_of_booking = sql.row("open_of_booking", Offer)
open_of = sql.rows("open_of", Offer)
held_by = sql.rows("held_by", BookingId)
lock_people = sql.rows("lock_people", TechnicianId)
standing = sql.row("standing", Standing)
lock_named = sql.row("lock_named", Offer)
accept = sql.scalar("accept", UUID)
close = sql.run("close")
assignment = sql.row("assignment", Assignment)
ended_by = sql.scalar("ended_by", str)
count_start_code = sql.scalar("count_start_code", int)
step = sql.run("step")
cancel_assignment = sql.run("cancel_assignment")
open_jobs = sql.rows("open_jobs", OpenJob)
