"""Rows that the report of a simulation reads: how bookings and offers ended, and the heads of the streams."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("simulation")


@dataclass(frozen=True, slots=True)
class BookingEnd:
    """`assigned_after_s`: seconds of the domain's time from the booking to the first acceptance."""

    id: UUID
    status: str
    event_seq: int
    is_queued: bool
    assigned_after_s: float | None
    is_arrival_detected: bool


@dataclass(frozen=True, slots=True)
class OfferCount:
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class Head:
    id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class LeftWaiting:
    id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class News:
    """`bookings` counts them by status; `done_minor` is the price of the jobs since a moment that are done."""

    open_offers: int
    bookings: dict[str, int]
    done_minor: int


bookings = sql.rows("bookings", BookingEnd)
news = sql.row("news", News)
offers = sql.rows("offers", OfferCount)
left_waiting = sql.rows("left_waiting", LeftWaiting)
technician_heads = sql.rows("technician_heads", Head)
