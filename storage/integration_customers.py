"""Rows of the people for whom integrations book: accounts of one app each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("integration_customers")


@dataclass(frozen=True, slots=True)
class AppCustomer:
    """`bookings` is how many were made for them."""

    id: UUID
    integration_id: UUID
    name: str | None
    phone: str
    email: str | None
    created_at: datetime
    bookings: int


lock_phone = sql.run("lock_phone")
by_phone = sql.row("by_phone", AppCustomer)
get = sql.row("get", AppCustomer)
owner_of = sql.scalar("owner_of", bool)
insert = sql.run("insert")
set_phone = sql.run("set_phone")
insert_account = sql.scalar("insert_account", UUID)
billed_for = sql.scalar("billed_for", UUID)

of_integration = Listed(
    sql, "of_integration", AppCustomer,
    key=Sort("c.account_id", "uuid"),
    sorts={"created_at": Sort("c.created_at", "timestamptz"), "name": Sort("coalesce(a.name, '')", "text")},
    default_sort=(("created_at", True),),
    filters={"phone": AnyOf("c.phone", "text"), **made_on_days("c.created_at")},
    # Found by the indexes of words before anything is walked in order; what is typed is words or a phone, never both.
    search="c.account_id = ANY(ARRAY(SELECT n.id FROM accounts n WHERE n.phone IS NULL AND n.erased_at IS NULL"
    " AND account_words(n.name, n.email, n.phone) @@ {} UNION ALL SELECT p.account_id FROM integration_customers p"
    " WHERE p.integration_id = :integration_id AND array_to_tsvector(search_phone(p.phone)) @@ {}))",
    indexed=[("created_at", ()), ("created_at", ("date_from", "date_to"))],
)  # fmt: skip
