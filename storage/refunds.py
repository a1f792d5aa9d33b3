"""Rows of refunds: money on its way back to a customer, reserved on its payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("refunds")


@dataclass(frozen=True, slots=True)
class Refund:
    """`uncovered_minor`: what the wallet of whoever was paid did not hold any more as the gateway gave it back."""

    id: UUID
    payment_id: UUID
    booking_id: UUID | None
    amount_minor: int
    prepaid_minor: int
    owed_minor: int
    uncovered_minor: int
    currency: str
    to_wallet: bool
    status: str
    gateway_refund_id: str | None
    reason: str
    notes: str | None
    requested_by: str
    failure_reason: str | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A failed refund that a later one makes up for."""

    id: UUID


insert = sql.scalar("insert", UUID)
get = sql.row("get", Refund)
find_by_gateway_id = sql.row("find_by_gateway_id", Refund)
of_booking = sql.rows("of_booking", Refund)
made_up_for = sql.rows("made_up_for", MadeUp)
accepted = sql.run("accepted")
settle = sql.run("settle")
fail = sql.run("fail")
was_earned = sql.scalar("was_earned", bool)
