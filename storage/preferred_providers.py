"""Rows of preferred providers: whom an organisation wants first, and what it pays less."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("preferred_providers")


@dataclass(frozen=True, slots=True)
class Preferred:
    """`services` are categories, none means all; the lowest `priority` is asked first."""

    provider_id: UUID
    name: str
    services: list[str]
    priority: int
    #: What was asked for, and what staff agreed to.
    discount_pct: Decimal
    agreed_pct: Decimal
    exclusivity: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """`prefers_first`: the preferred are asked before nearer ones. `allows_others`: others may come at all."""

    prefers_first: bool
    allows_others: bool


@dataclass(frozen=True, slots=True)
class Negotiated:
    """A share off the list price, and a price of its own where a quote was accepted."""

    discount_pct: Decimal
    price_minor: int | None


drop_others = sql.run("drop_others")
put = sql.scalar("put", int)
agree = sql.scalar("agree", Decimal)
set_rules = sql.run("set_rules")
rules = sql.row("rules", Rules)
of_organisation = sql.rows("of_organisation", Preferred)
negotiated = sql.row("negotiated", Negotiated)
