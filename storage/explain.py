"""Rows of match_attempts, each with those whom it considered: why an offer went where it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("explain")


@dataclass(frozen=True, slots=True)
class Attempt:
    id: int
    booking_id: UUID
    round: int
    attempt: int | None
    policy: str
    policy_version: int
    weights: dict[str, float]
    radius_m: int
    outcome: str
    offer_id: UUID | None
    looks: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CandidateRow:
    attempt_id: int
    technician_id: UUID
    code: str
    name: str
    rank: int | None
    reason: str
    score: float | None
    parts: dict[str, float] | None
    distance_m: int | None


@dataclass(frozen=True, slots=True)
class OfferRow:
    id: UUID
    technician_id: UUID
    technician_name: str
    round: int
    attempt: int | None
    state: str
    made_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    reason: str | None
    made_by: str | None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    reason: str
    times: int
    bookings: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class RecentVerdict:
    at: datetime
    booking_id: UUID
    reason: str
    rank: int | None
    score: float | None
    parts: dict[str, Any] | None
    distance_m: int | None
    categories: list[str]
    starts_at: datetime


insert_attempt = sql.run("insert_attempt")
drop_last_look = sql.run("drop_last_look")
purge = sql.run("purge")
attempts = sql.rows("attempts", Attempt)
candidates = sql.rows("candidates", CandidateRow)
offers = sql.rows("offers", OfferRow)
reasons_of = sql.rows("reasons_of", ReasonCount)

#: A technician's chances, the newest first.
of_technician = Listed(
    sql, "of_technician", RecentVerdict,
    key=Sort("a.id", "bigint"), sorts={"at": Sort("a.id", "bigint")}, default_sort=(("at", True),),
    filters={"reason": AnyOf("a.reasons[place.n]", "text")},
    columns="verdict", source="verdicts", indexed=[("at", ())],
)  # fmt: skip
