"""Rows of support: whom an organisation may ask, and what it can learn from; staff keep both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("support")


@dataclass(frozen=True, slots=True)
class Contact:
    id: UUID
    kind: str
    account_id: UUID | None
    title: str | None
    email: str | None
    phone: str | None
    mobile_phone: str | None
    hours: str | None
    languages: list[str]
    note: str | None


@dataclass(frozen=True, slots=True)
class Training:
    id: UUID
    type: str
    title: str
    url: str | None
    register_url: str | None
    duration_minutes: int | None
    pages: int | None
    scheduled_at: datetime | None
    seats: int | None
    is_active: bool
    created_at: datetime


contacts = sql.rows("contacts", Contact)
put_contact = sql.scalar("put_contact", UUID)
drop_contact = sql.scalar("drop_contact", UUID)
shown_training = sql.rows("shown_training", Training)
all_training = sql.rows("all_training", Training)
add_training = sql.scalar("add_training", UUID)
change_training = sql.scalar("change_training", UUID)
drop_training = sql.scalar("drop_training", UUID)
