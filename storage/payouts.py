"""Rows of payouts: money that leaves the platform for a technician or a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("payouts")


@dataclass(frozen=True, slots=True)
class Payout:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    party_code: str
    party_kind: str
    currency: str
    total_minor: int
    deduction_minor: int
    cash_offset_minor: int
    net_minor: int
    method: str
    status: str
    bank_account_id: UUID | None
    bank_transaction_id: str | None
    upi_transaction_id: str | None
    gateway_payout_id: str | None
    failure_reason: str | None
    notes: str | None
    requested_by: str
    earning_ids: list[UUID]
    processed_at: datetime | None
    is_request: bool
    needs_review: bool
    reviewed_by: str | None
    reviewed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Sums:
    """How many payouts a party has had, and what has left or is leaving in one currency."""

    payouts: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the money of a payout goes; `number_enc` is encrypted."""

    party_id: UUID
    name: str
    code: str
    bank_account_id: UUID | None
    account_name: str | None
    number_enc: bytes | None
    ifsc: str | None
    fund_account_id: str | None


insert = sql.scalar("insert", UUID)
insert_parts = sql.run("insert_parts")
open_request = sql.row("open_request", Payout)
readdress = sql.run("readdress")
reviewed = sql.run("reviewed")
sums_of_party = sql.row("sums_of_party", Sums)
get = sql.row("get", Payout)
lock = sql.row("lock", Payout)
start = sql.run("start")
sent = sql.run("sent")
complete = sql.run("complete")
fail = sql.run("fail")
came_back = sql.run("came_back")
find_by_gateway_id = sql.scalar("find_by_gateway_id", UUID)
destination = sql.row("destination", Destination)
set_fund_account = sql.run("set_fund_account")

of_party = Listed(
    sql, "of_party", Payout,
    key=Sort("o.id", "uuid"),
    sorts={"created_at": Sort("o.created_at", "timestamptz"), "amount": Sort("o.net_minor", "bigint")},
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf("o.status", "text"), **made_on_days("o.created_at"),
        "from_at": "o.created_at >= {}::timestamptz", "to_at": "o.created_at < {}::timestamptz",
    },
    indexed=[("created_at", ()), ("created_at", ("status",)), ("created_at", ("date_from", "date_to"))],
)  # fmt: skip

#: Each by its own index.
_BY_NUMBER_OR_PARTY = (
    "o.id IN (SELECT n.id FROM payouts n WHERE array_to_tsvector(search_words(n.number)) @@ {}"
    " UNION ALL SELECT n.id FROM parties k JOIN payouts n ON n.party_id = k.id"
    " WHERE array_to_tsvector(search_words(left(k.name, 500)) || search_words(k.code)) @@ {})"
)

#: Everybody's, technicians' and providers'.
everybodys = Listed(
    sql, "everybodys", Payout,
    key=Sort("o.id", "uuid"),
    sorts={"created_at": Sort("o.created_at", "timestamptz"), "amount": Sort("o.net_minor", "bigint")},
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf("o.status", "text"), "party_id": AnyOf("o.party_id", "uuid"),
        "method": AnyOf("o.method", "text"), "currency": AnyOf("o.currency", "text"),
        "kind": "EXISTS (SELECT FROM parties k WHERE k.id = o.party_id AND k.kind = ANY({}::text[]))",
        **made_on_days("o.created_at"),
    },
    search=_BY_NUMBER_OR_PARTY,
    indexed=[
        ("created_at", ()), ("created_at", ("status",)), ("created_at", ("party_id",)),
        ("created_at", ("date_from", "date_to")),
    ],
)  # fmt: skip

requests = Listed(
    sql, "requests", Payout,
    key=Sort("o.id", "uuid"),
    sorts={
        "created_at": Sort("o.created_at", "timestamptz"), "amount": Sort("o.net_minor", "bigint"),
        "provider": Sort("p.name", "text"),
    },
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf("o.status", "text"), "currency": AnyOf("o.currency", "text"),
        "provider_id": AnyOf("o.party_id", "uuid"), "needs_review": "o.needs_review = {}::boolean",
    },
    search=_BY_NUMBER_OR_PARTY,
    indexed=[("created_at", ()), ("created_at", ("status",)), ("created_at", ("provider_id",))],
)  # fmt: skip
