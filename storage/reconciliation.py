"""Rows of the daily comparison with the gateway: runs, what was found, and our side of it in sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("reconciliation")


@dataclass(frozen=True, slots=True)
class Run:
    day: date
    state: str
    payments_there: int
    payments_here: int
    refunds_there: int
    refunds_here: int
    error: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A day that is to be compared."""

    day: date


@dataclass(frozen=True, slots=True)
class Item:
    """One discrepancy; amounts in minor units. `repaired` ones are put right, `open` ones need a person."""

    entity: str
    kind: str
    gateway_id: str | None
    local_id: UUID | None
    here_minor: int | None
    there_minor: int | None
    here_status: str | None
    there_status: str | None
    resolution: str


@dataclass(frozen=True, slots=True)
class Known:
    """Our side of a payment or refund that has the gateway's id."""

    id: UUID
    gateway_id: str
    amount_minor: int
    currency: str
    status: str


lock = sql.scalar("lock", bool)
claim = sql.scalar("claim", date)
finish = sql.run("finish")
get = sql.row("get", Run)
not_done = sql.rows("not_done", Due)
add_item = sql.run("add_item")
close_gone = sql.run("close_gone")
items = sql.rows("items", Item)
payments_known = sql.rows("payments_known", Known)
payments_captured = sql.rows("payments_captured", Known)
refunds_known = sql.rows("refunds_known", Known)
refunds_made = sql.rows("refunds_made", Known)
post_fees = sql.run("post_fees")
