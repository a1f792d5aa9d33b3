"""Rows of job_postings: what a school's job board offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("job_postings")


@dataclass(frozen=True, slots=True)
class Posting:
    """`status` says closed also when its day is over or nothing is left of it.

    Done on ISO `days`, between `day_starts` and `day_ends`: minutes after midnight.
    """

    id: UUID
    organisation_id: UUID
    title: str
    description: str
    categories: list[str]
    tiers: list[str]
    days: list[int]
    day_starts: int
    day_ends: int
    openings: int
    accepted: int
    closes_on: date | None
    status: str
    applications: int
    created_at: datetime


#: As the columns have it.
_STATUS = f"({sql.part('status_now')})"

insert = sql.scalar("insert", UUID)
get = sql.row("get", Posting)
lock = sql.row("lock", Posting)
close = sql.scalar("close", UUID)
fill = sql.scalar("fill", UUID)
of_organisation = Listed(
    sql, "of_organisation", Posting, key=Sort("j.id", "uuid"),
    sorts={
        "created": Sort("j.created_at", "timestamptz"), "title": Sort("lower(j.title)", "text"),
        "closes": Sort("j.closes_on", "date", is_nullable=True),
    },
    default_sort=(("created", True),), filters={"status": AnyOf(_STATUS, "text")}, search="j.words @@ {}",
    indexed=[("created", ())],
)  # fmt: skip
