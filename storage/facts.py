"""Rows of booking_events and party_events: the durable, gapless streams behind every socket fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("facts")


@dataclass(frozen=True, slots=True)
class BookingEvent:
    booking_id: UUID
    seq: int
    type: str
    actor_kind: str
    actor_id: str | None
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class PartyEvent:
    """`stands`: the offer that it is about is open."""

    party_id: UUID
    seq: int
    type: str
    data: dict[str, Any]
    at: datetime
    stands: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """Where a fact stands in its party's stream, and when it was told."""

    party_id: UUID
    seq: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StreamHead:
    """The last seq of a stream that changed lately."""

    stream_id: UUID
    account_id: UUID | None
    seq: int


@dataclass(frozen=True, slots=True)
class NewestIds:
    booking_id: int
    party_id: int


append_booking = sql.scalar("append_booking", UUID)
append_numbered = sql.scalar("append_numbered", UUID)
append_parties = sql.rows("append_parties", Numbered)
booking_since = sql.rows("booking_since", BookingEvent)
was_queued = sql.scalar("was_queued", bool)
was_told = sql.scalar("was_told", bool)
party_since = sql.rows("party_since", PartyEvent)
booking_heads = sql.rows("booking_heads", StreamHead)
party_heads = sql.rows("party_heads", StreamHead)
open_heads = sql.rows("open_heads", StreamHead)
named_heads_of_account = sql.rows("named_heads_of_account", StreamHead)
party_seqs = sql.rows("party_seqs", StreamHead)
purge_party = sql.run("purge_party")
timeline = sql.rows("timeline", BookingEvent)
newest_ids = sql.row("newest_ids", NewestIds)
now = sql.scalar("now", datetime)
epoch = sql.scalar("epoch", UUID)
