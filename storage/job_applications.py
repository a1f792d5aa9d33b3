"""Rows of job_applications: who wants a posting of the job board, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("job_applications")


@dataclass(frozen=True, slots=True)
class Application:
    """`is_member`: an active one still. `technician_id`: who the applicant is since they were accepted."""

    id: UUID
    posting_id: UUID
    organisation_id: UUID
    title: str
    member_id: UUID
    name: str
    email: str | None
    is_member: bool
    phone: str
    message: str | None
    status: str
    note: str | None
    decided_at: datetime | None
    technician_id: UUID | None
    created_at: datetime


insert = sql.scalar("insert", UUID)
get = sql.row("get", Application)
of_member = sql.rows("of_member", Application)
decide = sql.scalar("decide", UUID)
withdraw = sql.scalar("withdraw", UUID)
of_posting = Listed(
    sql, "of_posting", Application, key=Sort("a.id", "uuid"), sorts={"created": Sort("a.created_at", "timestamptz")},
    default_sort=(("created", True),), filters={"status": AnyOf("a.status", "text")}, indexed=[("created", ())],
)  # fmt: skip
