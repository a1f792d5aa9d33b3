"""Rows of bookings: the aggregate's guarded updates. Sources and targets come from the state tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("bookings")


@dataclass(frozen=True, slots=True)
class Booking:
    id: UUID
    number: str
    system: str
    account_id: UUID
    organisation_id: UUID | None
    billed_to: UUID | None
    preview_id: UUID | None
    address: dict[str, Any]
    contact: dict[str, Any]
    zone_id: UUID | None
    lat: float
    lng: float
    is_approximate: bool
    timezone: str
    local_date: date
    local_time: time
    starts_at: datetime
    ends_at: datetime
    categories: list[str]
    tiers: list[str]
    status: str
    payment_method: str
    payment_status: str
    currency: str
    subtotal_minor: int
    savings_minor: int
    discount_minor: int
    tax_minor: int
    grand_total_minor: int
    promo_code_id: UUID | None
    priority: int
    auto_assign: bool
    start_code: str | None
    technician_id: UUID | None
    round: int
    attempt: int
    next_action: str | None
    next_action_at: datetime | None
    queued_at: datetime | None
    queue_reason: str | None
    looks: int
    waits_for: list[str]
    watch: dict[str, Any] | None
    event_seq: int
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancellation_fee_minor: int | None
    refund_minor: int | None
    rating: int | None
    created_at: datetime
    free_cancellation_s: float | None
    cancellation_fee_pct: float | None
    wallet_minor: int
    outstanding_fee_minor: int
    to_collect_minor: int
    collected_minor: int


@dataclass(frozen=True, slots=True)
class Due:
    """A booking whose time has come, and how often its handler has failed in a row."""

    id: UUID
    timer_failures: int


insert = sql.row("insert", Booking)
get = sql.row("get", Booking)
lock = sql.row("lock", Booking)
due = sql.rows("due", Due)
lock_due = sql.row("lock_due", Booking)
next_due = sql.scalar("next_due", datetime)
overdue_s = sql.scalar("overdue_s", float)
move = sql.run("move")
wait_for = sql.row("wait_for", Booking)
fall_back = sql.row("fall_back", Booking)
offer_made = sql.row("offer_made", Booking)
not_asked = sql.run("not_asked")
queue = sql.row("queue", Booking)
has_begun = sql.scalar("has_begun", bool)
give_attempt_back = sql.row("give_attempt_back", Booking)
confirm = sql.row("confirm", Booking)
reopen = sql.row("reopen", Booking)
new_round = sql.row("new_round", Booking)
watch = sql.run("watch")
unwatch = sql.run("unwatch")
start = sql.row("start", Booking)
complete = sql.row("complete", Booking)
cancel = sql.row("cancel", Booking)
reschedule = sql.row("reschedule", Booking)
set_payment_status = sql.run("set_payment_status")
pay_in_cash = sql.run("pay_in_cash")
rate = sql.scalar("rate", UUID)
set_priority = sql.row("set_priority", Booking)
postpone = sql.scalar("postpone", int)
timer_works = sql.run("timer_works")
count_done = sql.run("count_done")
count_accepted = sql.run("count_accepted")
count_cancelled = sql.run("count_cancelled")
count_rating = sql.run("count_rating")
