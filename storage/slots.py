"""Rows of slots: a technician's reserved intervals, which the database keeps from overlapping."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("slots")


@dataclass(frozen=True, slots=True)
class Slot:
    id: UUID
    technician_id: UUID
    booking_id: UUID | None
    preview_id: UUID | None
    state: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Freed:
    technician_id: UUID


@dataclass(frozen=True, slots=True)
class AcceptedThen:
    """An accepted job that stands in the way of another."""

    booking_id: UUID
    number: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """When a technician is taken, travel included."""

    technician_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Blocked:
    technician_id: UUID


busy = sql.rows("busy", Slot)
drop_due = sql.run("drop_due")
sweep_due = sql.rows("sweep_due", Freed)
taken = sql.rows("taken", Span)
preview_to_booking = sql.run("preview_to_booking")
insert_if_free = sql.run("insert_if_free")
move_if_free = sql.scalar("move_if_free", UUID)
drop_idle = sql.run("drop_idle")
drop_holds = sql.run("drop_holds")
place_booking = sql.scalar("place_booking", UUID)
lock_held = sql.rows("lock_held", Slot)
set_state = sql.run("set_state")
drop_booking = sql.scalar("drop_booking", UUID)
drop_held = sql.run("drop_held")
accepted_then = sql.row("accepted_then", AcceptedThen)
blocked_technicians = sql.rows("blocked_technicians", Blocked)
