"""Rows of booking_approvals: whose word a member's own booking waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("booking_approvals")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A booking of a member for which somebody was asked, or nobody had to be."""

    id: UUID
    number: str
    organisation_id: UUID
    department_id: UUID | None
    member_id: UUID
    grand_total_minor: int
    currency: str
    local_date: date
    is_waiting: bool
    status: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class Word:
    """`is_there`: still an active member who decides."""

    member_id: UUID
    is_there: bool
    decision: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    id: UUID
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class Address:
    email: str


ask = sql.run("ask")
wanted = sql.row("wanted", Wanted)
of_booking = sql.rows("of_booking", Word)
decide = sql.scalar("decide", UUID)
waiting_for = sql.rows("waiting_for", Waiting)
whom = sql.rows("whom", Address)
