"""Rows of provider_subscriptions: what a customer has subscribed to, from when until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("provider_subscriptions")


@dataclass(frozen=True, slots=True)
class Subscription:
    """`derived` is new, active, expiring_soon, expired or cancelled, as of now.

    `period_days`: so long a renewal makes it go on. `bought_from`, `bought_until`: what was paid for last.
    """

    id: UUID
    provider_id: UUID
    customer_id: UUID
    customer_name: str
    customer_email: str | None
    customer_phone: str | None
    plan_id: UUID
    plan_name: str
    plan_type: str
    period_days: int
    status: str
    derived: str
    amount_minor: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    bought_from: datetime | None
    bought_until: datetime | None
    auto_renew: bool
    is_reminded: bool
    notes: str | None
    reference: str | None
    cancelled_at: datetime | None
    refund_minor: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Ref:
    id: UUID
    provider_id: UUID


@dataclass(frozen=True, slots=True)
class Summary:
    total: int
    active: int
    expiring: int
    expired: int


@dataclass(frozen=True, slots=True)
class Paid:
    """One amount that was asked for: the line of the statement."""

    id: UUID
    amount_minor: int
    created_at: datetime
    status: str
    reference: str


insert = sql.run("insert")
get = sql.row("get", Subscription)
lock = sql.row("lock", Subscription)
set_reference = sql.run("set_reference")
change = sql.run("change")
cancel = sql.run("cancel")
extend = sql.run("extend")
begin_late = sql.run("begin_late")
bought = sql.run("bought")
over = sql.rows("over", Ref)
expire = sql.run("expire")
to_renew = sql.rows("to_renew", Ref)
asked = sql.run("asked")
to_remind = sql.rows("to_remind", Ref)
remind = sql.run("remind")
reminded = sql.run("reminded")
summary = sql.row("summary", Summary)
last_paid = sql.scalar("last_paid", UUID)
payments = sql.rows("payments", Paid)

_DERIVED = f"({sql.part('derived')})"

of_provider = Listed(
    sql, "of_provider", Subscription,
    key=Sort("s.id", "uuid"),
    sorts={
        "member": Sort("coalesce(c.name, '')", "text"), "plan": Sort("p.name", "text"),
        "start": Sort("s.starts_at", "timestamptz"), "end": Sort("s.ends_at", "timestamptz"),
        "status": Sort(_DERIVED, "text"),
    },
    default_sort=(("end", True),),
    filters={
        "status": AnyOf(_DERIVED, "text"), "plan": AnyOf("p.name", "text"),
        "from_at": "s.starts_at >= {}::timestamptz", "to_at": "s.ends_at < {}::timestamptz",
    },
    search="s.customer_id IN (SELECT n.id FROM provider_customers n"
    " WHERE array_to_tsvector(search_words(n.name) || search_words(n.email) || search_phone(n.phone)) @@ {})",
    indexed=[("end", ())],
)  # fmt: skip
