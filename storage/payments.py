"""Rows of payments: one per booking and kind, plus surplus captures; the lattice is held by a trigger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("payments")


@dataclass(frozen=True, slots=True)
class Payment:
    id: UUID
    booking_id: UUID | None
    account_id: UUID
    kind: str
    method: str | None
    status: str
    currency: str
    amount_minor: int
    dues_minor: int
    captured_minor: int
    refunded_minor: int
    receipt: str
    gateway_order_id: str | None
    gateway_payment_id: str | None
    surplus_of: UUID | None
    failure_reason: str | None
    review_reason: str | None
    expires_at: datetime | None
    captured_at: datetime | None
    #: Whom the money belongs to, where it is no booking's.
    payee_id: UUID | None
    created_at: datetime

    @property
    def refundable_minor(self) -> int:
        """What is captured and not yet promised back."""
        return self.captured_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class Settled:
    captured_minor: int
    dues_minor: int
    refunded_minor: int
    settled_minor: int
    processing_minor: int


insert = sql.row("insert", Payment)
insert_request = sql.run("insert_request")
insert_captured = sql.scalar("insert_captured", UUID)
get = sql.row("get", Payment)
lock = sql.row("lock", Payment)
of_booking = sql.rows("of_booking", Payment)
find_by_order = sql.row("find_by_order", Payment)
find_by_receipt = sql.row("find_by_receipt", Payment)
find_by_gateway_payment = sql.row("find_by_gateway_payment", Payment)
shrink = sql.run("shrink")
drop_unasked = sql.run("drop_unasked")
ordered = sql.run("ordered")
paged = sql.run("paged")
supersede = sql.run("supersede")
capture = sql.run("capture")
fail = sql.run("fail")
hold_for_review = sql.run("hold_for_review")
reserve_refund = sql.run("reserve_refund")
settle_refund = sql.run("settle_refund")
claimed_dues = sql.scalar("claimed_dues", int)
settled_of_booking = sql.row("settled_of_booking", Settled)
