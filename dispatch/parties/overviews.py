"""How an organisation stands today: its people, its bookings, its budget, and what deserves a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dispatch.localtime import local
from dispatch.parties import budgets, organisations
from dispatch.parties.budgets import Standing
from storage import members as member_rows
from storage import overviews as rows
from storage.database.pool import Conn
from storage.members import Totals
from storage.organisations import Organisation
from storage.overviews import Bookings


@dataclass(frozen=True, slots=True)
class Sums:
    """Of a whole organisation, or of the department that somebody is bound to."""

    users: Totals
    bookings: Bookings


def today_of(organisation: Organisation, now: datetime) -> date:
    """The day on the organisation's own clocks."""
    return local(now, organisations.timezone_of(organisation)).date()


async def sums(conn: Conn, organisation: Organisation, now: datetime, within: UUID | None = None) -> Sums:
    month = budgets.month_of(today_of(organisation, now))
    users = await member_rows.totals(conn, organisation_id=organisation.id, within=within)
    bookings = await rows.bookings(conn, organisation_id=organisation.id, within=within, month=month)
    assert users is not None and bookings is not None, "an aggregate always has a row"
    return Sums(users, bookings)


def whole_budget(standing: Mapping[UUID | None, Standing], within: UUID | None = None) -> Standing | None:
    """A budget to look at: the department's, else the organisation's, else all departments' together."""
    whole = standing.get(within)
    parts = [s for s in standing.values() if s.amount_minor is not None]
    # The organisation's account is there from the first booking of a month on, also where nothing is allotted to it.
    if within is not None or not parts or (whole is not None and whole.amount_minor is not None):
        return whole
    return Standing(
        None, sum(s.amount_minor or 0 for s in parts), sum(s.reserved_minor for s in parts),
        sum(s.spent_minor for s in parts), min(s.threshold_pct for s in parts),
    )  # fmt: skip
