"""Rows of platform_subscriptions and platform_bills: which plan a provider has, and what it was billed for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("platform_bills")


@dataclass(frozen=True, slots=True)
class PlatformSubscription:
    """`next_on` is the local day of the next bill; with it the next plan begins, or it ends."""

    provider_id: UUID
    plan_id: UUID
    plan_name: str
    monthly_minor: int
    yearly_minor: int
    next_on: date
    billing_day: int
    next_plan_id: UUID | None
    next_plan_name: str | None
    is_ending: bool


@dataclass(frozen=True, slots=True)
class Bill:
    """For the days from `starts_on` on and before `ends_on`. `link_is_open`: the gateway has a page for it."""

    id: UUID
    number: str
    provider_id: UUID
    plan_name: str
    starts_on: date
    ends_on: date
    amount_minor: int
    currency: str
    status: str
    issued_on: date
    due_on: date
    paid_by: str | None
    paid_at: datetime | None
    gateway_link_id: str | None
    url: str | None
    link_is_open: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ref:
    provider_id: UUID


subscription = sql.row("subscription", PlatformSubscription)
subscribe = sql.run("subscribe")
plan_next = sql.run("plan_next")
end = sql.run("end")
due = sql.rows("due", Ref)
insert = sql.row("insert", Bill)
get = sql.row("get", Bill)
of_link = sql.row("of_link", Bill)
by_number = sql.row("by_number", Bill)
open_of = sql.row("open_of", Bill)
unpaid_since = sql.scalar("unpaid_since", int)
newest = sql.rows("newest", Bill)
open = sql.rows("open", Ref)
claim_links = sql.rows("claim_links", Bill)
pay = sql.run("pay")
void = sql.run("void")
linked = sql.row("linked", Bill)
link_over = sql.run("link_over")
