"""Quotes that organisations asked for, answered by staff."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, Day, Money, View
from api.wire.results import Page
from dispatch.parties import quotes
from dispatch.parties.quotes import Answer
from dispatch.services import Services
from storage.quotes import Quote

QUOTES = Grammar(
    key="quotes", source=quotes.EVERY,
    filters={
        "status": Literal["pending", "quoted", "accepted", "declined", "withdrawn"], "service_type": str,
        "organisation": UUID,
    },
)  # fmt: skip


class AnswerIn(Body):
    """So much for one visit of a service of the catalogue, good to the end of a day."""

    service_id: UUID
    price: Annotated[Money, Field(ge=0)]
    valid_until: Day
    terms: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None


class QuoteOut(View):
    id: UUID
    reference_number: str
    organisation_id: UUID
    organisation_name: str
    status: str
    service_type: str
    description: str
    requirements: dict[str, Any]
    budget: dict[str, Any] | None
    additional_info: str | None
    service_id: UUID | None
    price: Money | None
    currency: str | None
    valid_until: date | None
    terms: str | None
    answered_at: datetime | None
    decided_at: datetime | None
    created_at: datetime


@admin.route("GET", "/quotes", permission="organisations:read", listing=QUOTES)
async def page(services: Services, caller: Admin, listing: Listing) -> Page[QuoteOut]:
    """What organisations have asked for, the newest first."""
    async with services.read() as conn:
        return Page.of(await quotes.every(conn, listing.wanted), quote_out)


@admin.route("POST", "/quotes/{id}/answer", permission="organisations:write")
async def answer(services: Services, caller: Admin, id: UUID, body: AnswerIn) -> QuoteOut:
    """Offer a price, or another one while nothing is decided; the organisation is written to.

    Example: {"service_id": "6f1c2d34-5b6a-4c7d-8e9f-0a1b2c3d4e5f", "price": 510, "valid_until": "2027-03-31"}
    """
    given = Answer(body.service_id, body.price, body.valid_until, body.terms)
    async with services.transaction() as tx:
        return quote_out(await quotes.answer(tx, id, given, caller.actor))


def quote_out(quote: Quote) -> QuoteOut:
    return QuoteOut(
        id=quote.id, reference_number=quote.number, organisation_id=quote.organisation_id,
        organisation_name=quote.organisation_name, status=quote.status, service_type=quote.service_type,
        description=quote.description, requirements=quote.requirements, budget=quote.budget,
        additional_info=quote.additional_info, service_id=quote.service_id, price=quote.price_minor,
        currency=quote.currency, valid_until=quote.valid_until, terms=quote.terms, answered_at=quote.answered_at,
        decided_at=quote.decided_at, created_at=quote.created_at,
    )  # fmt: skip
