"""Rows of integrations: third-party apps, their onboarding, documents and notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("integrations")


@dataclass(frozen=True, slots=True)
class Integration:
    """`steps` maps a step of the onboarding to when it was done; `client_id` is there from the third step on."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    slug: str
    partner_type: str
    status: str
    business_info: dict[str, Any]
    webhook_url: str | None
    callback_url: str | None
    tags: list[str]
    steps: dict[str, Any]
    key_id: UUID | None
    client_id: str | None
    monthly_limit: int
    burst_limit: int
    is_billed: bool
    last_request_at: datetime | None
    activated_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """Either it lies elsewhere, at `url`, or it was uploaded as a file."""

    id: UUID
    type: str
    name: str
    url: str | None
    file_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    id: UUID
    content: str
    added_by: UUID | None
    author: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Manager:
    """Somebody who manages an app, or will once they have shown that the address is theirs."""

    membership_id: UUID
    email: str | None


lock_slug = sql.run("lock_slug")
slugs_of = sql.scalar("slugs_of", list)
insert_party = sql.scalar("insert_party", UUID)
insert = sql.run("insert")
get = sql.row("get", Integration)
lock = sql.row("lock", Integration)
by_slug = sql.row("by_slug", Integration)
id_of_email = sql.scalar("id_of_email", UUID)
id_of_token = sql.scalar("id_of_token", UUID)
managed_by = sql.rows("managed_by", Integration)
managers = sql.rows("managers", Manager)
end_manager = sql.run("end_manager")
set_head = sql.run("set_head")
set_details = sql.run("set_details")
set_urls = sql.run("set_urls")
set_key = sql.scalar("set_key", UUID)
done = sql.run("done")
set_token = sql.run("set_token")
end_onboarding = sql.run("end_onboarding")
set_status = sql.scalar("set_status", UUID)
set_limits = sql.run("set_limits")
delete = sql.scalar("delete", datetime)
add_document = sql.scalar("add_document", UUID)
documents = sql.rows("documents", Document)
drop_linked = sql.run("drop_linked")
drop_document = sql.row("drop_document", Document)
add_note = sql.scalar("add_note", UUID)
notes = sql.rows("notes", Note)

of_staff = Listed(
    sql, "of_staff", Integration,
    key=Sort("i.id", "uuid"),
    sorts={
        "created_at": Sort("p.created_at", "timestamptz"), "updated_at": Sort("p.updated_at", "timestamptz"),
        "name": Sort("p.name", "text"), "status": Sort("i.status", "text"),
        "last_request_at": Sort("i.last_request_at", "timestamptz", is_nullable=True),
    },
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf("i.status", "text"), "partner_type": AnyOf("i.partner_type", "text"),
        "onboarding_completed": "(i.steps ? 'activation') = {}::boolean",
        "tag": "i.tags && {}::text[]",
        "date_from": "p.created_at >= {}::date", "date_to": "p.created_at < {}::date + 1",
    },
    search="array_to_tsvector(ARRAY(SELECT DISTINCT left(w, 100) FROM unnest(search_words(p.name)"
    " || search_words(p.email) || search_words(i.slug) || search_words(i.business_info ->> 'companyName')"
    " || search_phone(p.phone)) AS w)) @@ {}",
    indexed=[("created_at", ())],
)  # fmt: skip
