"""Quotes: what something would cost, asked of the house."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation.fields import Word, Words, by_of
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelView, Currency, Money
from api.wire.results import Page, Reply
from dispatch.parties import organisations, quotes
from dispatch.parties.quotes import EXPECTED, Wish
from dispatch.services import Services
from storage.database.pool import Conn
from storage.quotes import Quote

TAGS = ("quotes",)
QUOTES = Grammar(
    key="quotes", source=quotes.LIST,
    filters={
        "status": Literal["pending", "quoted", "accepted", "declined", "withdrawn"], "serviceType": str,
        "department": UUID,
    },
    names={"serviceType": "service_type"}, sorts={"created": "created", "validUntil": "valid_until"},
)  # fmt: skip


class QuoteBudgetIn(CamelBody):
    estimated: Annotated[Money, Field(ge=0)] | None = None
    flexible: bool | None = None
    currency: Currency | None = None


class QuoteBody(CamelBody):
    service_type: Word
    description: Words
    requirements: Annotated[dict[str, Any], Field(min_length=1, max_length=50)]
    budget: QuoteBudgetIn | None = None
    additional_info: Words | None = None


class AssignedOut(CamelView):
    name: str | None
    title: str
    email: str | None
    phone: str | None


class OfferOut(CamelView):
    """For one visit of the service, good to the end of the day."""

    service_id: UUID
    price: Money
    currency: str
    valid_until: date
    terms: str | None


class QuoteOut(CamelView):
    id: UUID
    reference_number: str
    status: str
    service_type: str
    description: str
    requirements: dict[str, Any]
    additional_info: str | None
    assigned_to: AssignedOut | None
    expected_response: str
    offer: OfferOut | None
    answered_at: datetime | None
    decided_at: datetime | None
    created_at: datetime


class OneQuoteOut(CamelView):
    quote: QuoteOut


@organisation.route("POST", "/quotes/request", idempotency="optional", status=201, permission="quotes:write", tags=TAGS)
async def request(services: Services, caller: Member, body: QuoteBody) -> Reply[OneQuoteOut]:
    """Ask what something would cost; your account manager answers.

    Example: {"serviceType": "facility_management", "description": "Ten floors", "requirements": {"locations": 1}}
    """
    wish = Wish(
        body.service_type, body.description, body.requirements,
        body.budget.model_dump(mode="json", exclude_none=True) if body.budget else None, body.additional_info,
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await quotes.request(tx, by_of(caller), wish)
        out = OneQuoteOut(quote=await _out(tx.conn, made))
    return Reply(out, message="Quote request submitted successfully")


@organisation.route("GET", "/quotes", permission="quotes:read", listing=QUOTES, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> Page[QuoteOut]:
    """What we have asked for, the newest first."""
    async with services.read() as conn:
        found = await quotes.page(conn, by_of(caller), listing.wanted)
        shown = {q.id: await _out(conn, q) for q in found.rows}
    return Page.of(found, lambda q: shown[q.id])


@organisation.route("GET", "/quotes/{id}", permission="quotes:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneQuoteOut:
    """One quote, with the offer once there is one."""
    async with services.read() as conn:
        return OneQuoteOut(quote=await _out(conn, await quotes.get(conn, by_of(caller), id)))


@organisation.route("POST", "/quotes/{id}/accept", permission="quotes:write", tags=TAGS)
async def accept(services: Services, caller: Member, id: UUID) -> Reply[OneQuoteOut]:
    """Take the offer: until its day this is what the service costs us."""
    async with services.transaction() as tx:
        out = OneQuoteOut(quote=await _out(tx.conn, await quotes.decide(tx, by_of(caller), id, is_accepted=True)))
    return Reply(out, message="Quote accepted")


@organisation.route("POST", "/quotes/{id}/decline", permission="quotes:write", tags=TAGS)
async def decline(services: Services, caller: Member, id: UUID) -> Reply[OneQuoteOut]:
    """Leave the offer, or take the request back."""
    async with services.transaction() as tx:
        out = OneQuoteOut(quote=await _out(tx.conn, await quotes.decide(tx, by_of(caller), id, is_accepted=False)))
    return Reply(out, message="Quote declined")


async def _out(conn: Conn, quote: Quote) -> QuoteOut:
    home = await organisations.get(conn, quote.organisation_id)
    manager = await organisations.manager_of(conn, home)
    offer = None
    if quote.price_minor is not None and quote.service_id and quote.currency and quote.valid_until:
        offer = OfferOut(
            service_id=quote.service_id, price=quote.price_minor, currency=quote.currency,
            valid_until=quote.valid_until, terms=quote.terms,
        )  # fmt: skip
    return QuoteOut(
        id=quote.id, reference_number=quote.number, status=quote.status, service_type=quote.service_type,
        description=quote.description, requirements=quote.requirements, additional_info=quote.additional_info,
        assigned_to=AssignedOut(
            name=manager.name, title="Account Manager", email=manager.email, phone=manager.phone
        ) if manager else None,
        expected_response=EXPECTED, offer=offer, answered_at=quote.answered_at, decided_at=quote.decided_at,
        created_at=quote.created_at,
    )  # fmt: skip
