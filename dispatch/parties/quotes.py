"""Quotes: an organisation asks, staff answer with a price and a day, the organisation accepts or declines.

An accepted price is the organisation's for that service until its day (billing/organisation_prices.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from dispatch import numbers
from dispatch.engine import audit, catalogue
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.outbox import messages
from dispatch.parties import organisations
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import members as member_rows
from storage import quotes as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.quotes import Quote

LIST, EVERY = rows.of_organisation, rows.every
#: What an organisation is told of how long an answer takes.
EXPECTED = "2-3 business days"


class QuoteOver(Conflict):
    """This quote is no longer open."""

    code = "wrong_state"


class QuoteExpired(Conflict):
    """This offer has run out; ask for a new one."""

    code = "quote_expired"


class NotOfferedAnyMore(Conflict):
    """What was offered is not in the catalogue any more; ask for another offer."""

    code = "service_not_offered"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, in the organisation's words."""

    service_type: str
    description: str
    requirements: dict[str, Any]
    budget: dict[str, Any] | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """So much for one visit of a service, good to the end of a day."""

    service_id: UUID
    price_minor: int
    valid_until: date
    terms: str | None = None


async def request(tx: Tx, by: By, wish: Wish) -> Quote:
    """Asks; the account manager is written to. Raises Missing, NotVerified."""
    home = await organisations.active(tx.conn, by.organisation_id)
    manager = await organisations.manager_of(tx.conn, home)
    quote_id = await rows.insert(
        tx.conn, number=await numbers.take(tx.conn, "QTE", tx.now.date()), organisation_id=home.id,
        department_id=by.within, member_id=by.member_id, service_type=wish.service_type,
        description=wish.description, requirements=wish.requirements, budget=wish.budget,
        additional_info=wish.additional_info, account_manager_id=manager.id if manager else None,
    )  # fmt: skip
    made = await get(tx.conn, by, quote_id)
    if manager is not None and manager.email is not None:
        await messages.enqueue(
            tx, "email", manager.email, "quote_requested", {"number": made.number, "organisation": home.name}
        )
    await audit.record(tx, by.actor, "quote.request", "quote", made.id)
    return made


async def answer(tx: Tx, quote_id: UUID, given: Answer, actor: Actor) -> Quote:
    """Staff offer a price, or another one while nothing is decided.

    Raises Missing (also for the service), QuoteOver, Invalid.
    """
    quote = await _lock(tx, None, quote_id)
    home = await organisations.get(tx.conn, quote.organisation_id)
    if given.valid_until < local(tx.now, organisations.timezone_of(home)).date():
        raise Invalid({"valid_until": "An offer is good until a day to come."})
    offered = await catalogue.current(tx.services)
    if offered.find(given.service_id, organisations.currency_of(home)) is None:
        raise Missing("service")
    done = await rows.answer(
        tx.conn, id=quote.id, service_id=given.service_id, currency=organisations.currency_of(home),
        price_minor=given.price_minor, valid_until=given.valid_until, terms=given.terms, answered_by=str(actor.id),
    )  # fmt: skip
    if done is None:
        raise QuoteOver
    told = {"number": quote.number, "until": given.valid_until.isoformat()}
    for address in await _whom(tx, quote, organisations.reached_at(home)):
        await messages.enqueue(tx, "email", address, "quote_answered", told)
    after = await _lock(tx, None, quote_id)
    await audit.changed(tx, actor, "quote.answer", "quote", quote.id, quote, after)
    return after


async def _whom(tx: Tx, quote: Quote, reached_at: str) -> list[str]:
    """Where an organisation is written to, and whoever asked, who waits for it."""
    asked = None
    if quote.member_id is not None:
        asked = await member_rows.get(tx.conn, id=quote.member_id, organisation_id=quote.organisation_id)
    addresses = [reached_at, asked.email if asked and asked.status == "active" else None]
    return list({address.lower(): address for address in addresses if address}.values())


async def decide(tx: Tx, by: By, quote_id: UUID, *, is_accepted: bool) -> Quote:
    """The organisation takes the offer, or leaves it.

    Raises Missing, OutOfReach, QuoteOver, QuoteExpired, NotOfferedAnyMore: until it is taken staff can offer another.
    """
    quote = await _lock(tx, by, quote_id)
    if is_accepted and quote.status == "quoted":
        home = await organisations.get(tx.conn, quote.organisation_id)
        if quote.valid_until is None or quote.valid_until < local(tx.now, organisations.timezone_of(home)).date():
            raise QuoteExpired
        offered = await catalogue.current(tx.services)
        if quote.service_id is None or offered.find(quote.service_id, quote.currency or "") is None:
            raise NotOfferedAnyMore
    sources = ["quoted"] if is_accepted else ["quoted", "pending"]
    status = "accepted" if is_accepted else "declined" if quote.status == "quoted" else "withdrawn"
    if await rows.decide(tx.conn, id=quote.id, status=status, member_id=by.member_id, sources=sources) is None:
        raise QuoteOver("There is no offer to decide on." if quote.status == "pending" else None)
    await audit.record(tx, by.actor, f"quote.{status}", "quote", quote.id)
    return await get(tx.conn, by, quote_id)


async def get(conn: Conn, by: By, quote_id: UUID | None) -> Quote:
    """Raises Missing, OutOfReach."""
    found = await rows.get(conn, id=quote_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("quote")
    by.check_reach(found.department_id)
    return found


async def page(conn: Conn, by: By, wanted: Wanted) -> Slice[Quote]:
    return await LIST.page(conn, wanted, organisation_id=by.organisation_id, within=by.within)


async def every(conn: Conn, wanted: Wanted) -> Slice[Quote]:
    """All organisations', for staff."""
    return await EVERY.page(conn, wanted)


async def _lock(tx: Tx, by: By | None, quote_id: UUID) -> Quote:
    found = await rows.lock(tx.conn, id=quote_id, organisation_id=by.organisation_id if by else None)
    if found is None:
        raise Missing("quote")
    if by is not None:
        by.check_reach(found.department_id)
    return found
