"""What the database knows of those who could do a job: one row for each technician who is considered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("candidates")


# Not frozen: a search reads some twenty, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Known:
    """`places` are those in which open offers are held, `first_ends_at` when the first of them ends."""

    technician_id: UUID
    is_busy: bool
    was_tried: bool
    is_blocked: bool
    places: list[int]
    first_ends_at: datetime | None
    #: Of the organisation that books: its priority for this technician's provider, and whether it lets them come.
    preference: int | None
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """A technician and a booking."""

    technician_id: UUID
    booking_id: UUID


known = sql.rows("known", Known)
known_to_organisation = sql.rows("known_to_organisation", Known)
kept_out = sql.rows("kept_out", Pair)
prefers = sql.scalar("prefers", bool)
