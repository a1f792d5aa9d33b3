"""Rows of support_tickets: what an organisation asks the house, and what was said about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Filter, Listed, Sort, made_on_days

sql = Statements("tickets")


@dataclass(frozen=True, slots=True)
class Ticket:
    """`due_at`: until then a first answer is promised. `opened_within`: the department of whoever opened it."""

    id: UUID
    number: str
    organisation_id: UUID
    organisation_name: str
    opened_by: UUID | None
    opened_by_name: str | None
    subject: str
    category: str
    priority: str
    urgency: str | None
    description: str
    attachments: list[str]
    affected: list[UUID]
    booking_id: UUID | None
    status: str
    assigned_to: UUID | None
    assigned_name: str | None
    assigned_email: str | None
    due_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    created_at: datetime
    opened_within: UUID | None


@dataclass(frozen=True, slots=True)
class Reply:
    id: UUID
    is_staff: bool
    author_name: str | None
    message: str
    attachments: list[str]
    created_at: datetime


insert = sql.scalar("insert", UUID)
get = sql.row("get", Ticket)
lock = sql.row("lock", Ticket)
reply = sql.scalar("reply", UUID)
replies = sql.rows("replies", Reply)
answered = sql.run("answered")
set_status = sql.run("set_status")
assign = sql.run("assign")
is_ours = sql.scalar("is_ours", bool)

_SORTS = {
    "created": Sort("t.created_at", "timestamptz"), "due": Sort("t.due_at", "timestamptz"),
}  # fmt: skip
_FILTERS: dict[str, Filter] = {
    "status": AnyOf("t.status", "text"), "category": AnyOf("t.category", "text"),
    "priority": AnyOf("t.priority", "text"), **made_on_days("t.created_at"),
}  # fmt: skip

of_organisation = Listed(
    sql, "of_organisation", Ticket, key=Sort("t.id", "uuid"), sorts=_SORTS, default_sort=(("created", True),),
    filters=_FILTERS, indexed=[("created", ()), ("created", ("date_from", "date_to"))],
)  # fmt: skip
everybodys = Listed(
    sql, "everybodys", Ticket, key=Sort("t.id", "uuid"), sorts=_SORTS, default_sort=(("created", True),),
    filters={
        **_FILTERS, "organisation": AnyOf("t.organisation_id", "uuid"), "assigned_to": AnyOf("t.assigned_to", "uuid"),
    },
    indexed=[
        ("created", ()), ("created", ("status",)), ("created", ("organisation",)), ("created", ("assigned_to",)),
        ("created", ("date_from", "date_to")),
    ],
)  # fmt: skip
