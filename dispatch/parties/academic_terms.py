"""The terms of a school (R6): what its campus programs, the credits of its students and its series of visits go by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from dispatch.errors import Conflict, Invalid, Missing, NotAllowed
from dispatch.parties import organisations
from dispatch.services import Tx
from storage import academic_terms as rows
from storage.academic_terms import Term
from storage.database.errors import StorageError, is_exclusion
from storage.database.pool import Conn


class SchoolsOnly(NotAllowed):
    """Only schools have academic terms."""

    code = "schools_only"


class TermsOverlap(Conflict):
    """This term overlaps another one."""

    code = "terms_overlap"


async def add(
    tx: Tx, organisation_id: UUID, name: str, year: str, starts_on: date, ends_on: date, holidays: Sequence[date]
) -> UUID:
    """Raises SchoolsOnly, Invalid, TermsOverlap."""
    home = await organisations.get(tx.conn, organisation_id)
    if home.org_type != "school":
        raise SchoolsOnly
    if ends_on <= starts_on:
        raise Invalid({"endDate": "must be after startDate"})
    if beyond := [day for day in holidays if not starts_on <= day <= ends_on]:
        raise Invalid({"holidays": f"must lie within the term; {beyond[0].isoformat()} does not"})
    try:
        term_id = await rows.insert(
            tx.conn, organisation_id=home.id, name=name, academic_year=year, starts_on=starts_on, ends_on=ends_on,
            holidays=sorted(set(holidays)),
        )  # fmt: skip
    except StorageError as e:
        if is_exclusion(e):
            raise TermsOverlap from e
        raise
    assert term_id is not None, "an insert returns its id"
    return term_id


async def of_organisation(conn: Conn, organisation_id: UUID) -> list[Term]:
    return await rows.of_organisation(conn, organisation_id=organisation_id)


async def of_year(conn: Conn, organisation_id: UUID, year: str) -> list[Term]:
    """The terms of an academic year, in order; none where the school has not told them."""
    return await rows.of_year(conn, organisation_id=organisation_id, academic_year=year)


def days_off(terms: Sequence[Term], start: date, end: date, *, with_holidays: bool = False) -> frozenset[date]:
    """The days from `start` to `end` on which a school does not work: between terms, and their holidays.

    `with_holidays`: those are days like any other.
    """
    at_work: set[date] = set()
    for term in terms:
        days = (term.ends_on - term.starts_on).days + 1
        at_work |= {term.starts_on + timedelta(days=n) for n in range(days)}
        if not with_holidays:
            at_work -= set(term.holidays)
    span = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return frozenset(day for day in span if day not in at_work)


async def delete(tx: Tx, organisation_id: UUID, term_id: UUID) -> None:
    """Raises Missing."""
    if await rows.delete(tx.conn, id=term_id, organisation_id=organisation_id) is None:
        raise Missing("term")
