"""The terms of a school."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import Word, organisation_of, whole_organisation
from api.wire.models import CamelBody, CamelView, Day
from api.wire.results import Message, Reply
from dispatch.parties import academic_terms
from dispatch.services import Services
from storage.academic_terms import Term

PATH, TAGS = "/organization/academic-terms", ("organisations",)


class TermBody(CamelBody):
    name: Word
    academic_year: Word
    start_date: Day
    end_date: Day
    holidays: Annotated[list[Day], Field(max_length=200)] = []


class TermOut(CamelView):
    id: UUID
    name: str
    academic_year: str
    start_date: date
    end_date: date
    holidays: list[date]


class TermsOut(CamelView):
    terms: list[TermOut]


@organisation.route("POST", PATH, idempotency="optional", status=201, permission="organization:write", tags=TAGS)
async def add(services: Services, caller: Member, body: TermBody) -> Reply[TermsOut]:
    """Add a term of a school; its terms follow one another.

    Example: {"name": "First Semester", "academicYear": "2026-2027", "startDate": "2026-08-10", "endDate": "2026-12-18"}
    """
    async with services.transaction() as tx:
        await academic_terms.add(
            tx, whole_organisation(caller), body.name, body.academic_year, body.start_date, body.end_date, body.holidays
        )
    return Reply(await page(services, caller), message="Term added")


@organisation.route("GET", PATH, permission="organization:read", tags=TAGS)
async def page(services: Services, caller: Member) -> TermsOut:
    """Our terms, the eldest first."""
    async with services.read() as conn:
        found = await academic_terms.of_organisation(conn, organisation_of(caller))
    return TermsOut(terms=[term_out(t) for t in found])


@organisation.route("DELETE", f"{PATH}/{{id}}", permission="organization:write", tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID) -> Message:
    """Take a term away."""
    async with services.transaction() as tx:
        await academic_terms.delete(tx, whole_organisation(caller), id)
    return Message("Term deleted")


def term_out(t: Term) -> TermOut:
    return TermOut(
        id=t.id, name=t.name, academic_year=t.academic_year, start_date=t.starts_on, end_date=t.ends_on,
        holidays=t.holidays,
    )  # fmt: skip
