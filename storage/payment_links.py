"""Rows of payment_links: addresses of a provider at which anybody may pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("payment_links")


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """Without an amount whoever pays says how much; `payments` is how often it was paid at."""

    id: UUID
    provider_id: UUID
    code: str
    title: str
    description: str | None
    amount_minor: int | None
    currency: str
    status: str
    redirect_url: str | None
    payments: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OpenLink:
    """What whoever pays at a link needs of it; how often it was paid at is not counted for them."""

    id: UUID
    provider_id: UUID
    title: str
    description: str | None
    amount_minor: int | None
    currency: str
    status: str
    redirect_url: str | None


insert = sql.row("insert", PaymentLink)
get = sql.row("get", PaymentLink)
by_code = sql.row("by_code", OpenLink)
change = sql.row("change", PaymentLink)

of_provider = Listed(
    sql, "of_provider", PaymentLink,
    key=Sort("l.id", "uuid"),
    sorts={"date": Sort("l.created_at", "timestamptz"), "title": Sort("l.title", "text")},
    default_sort=(("date", True),),
    filters={"status": AnyOf("l.status", "text")},
    search="array_to_tsvector(search_words(l.title) || search_words(l.code)) @@ {}",
    indexed=[("date", ())],
)  # fmt: skip
