"""Rows of contact_submissions: what visitors wrote to the people behind the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("contact")


@dataclass(frozen=True, slots=True)
class Submission:
    id: UUID
    name: str
    email: str
    phone: str | None
    subject: str | None
    message: str
    status: str
    admin_notes: str | None
    account_id: UUID | None
    created_at: datetime
    updated_at: datetime


everything = Listed(
    sql, "all", Submission,
    key=Sort("c.id", "uuid"),
    sorts={
        "created_at": Sort("c.created_at", "timestamptz"), "updated_at": Sort("c.updated_at", "timestamptz"),
        "status": Sort("c.status", "text"), "name": Sort("c.name", "text"),
    },
    default_sort=(("created_at", True),),
    filters={"status": AnyOf("c.status", "text"), **made_on_days("c.created_at")},
    search="c.id = ANY(ARRAY(SELECT n.id FROM contact_submissions n WHERE words_in(search_words(n.name)"
    " || search_words(n.email) || search_words(n.subject) || search_words(n.message) || search_phone(n.phone)) @@ {}))",
    indexed=[("created_at", ()), ("created_at", ("status",)), ("created_at", ("date_from", "date_to"))],
)  # fmt: skip

insert = sql.scalar("insert", UUID)
get = sql.row("get", Submission)
lock = sql.row("lock", Submission)
answer = sql.run("answer")
