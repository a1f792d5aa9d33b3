"""Rows of accounts: the people who sign in, and their ties to the portals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("accounts")


@dataclass(frozen=True, slots=True)
class Account:
    id: UUID
    phone: str | None
    email: str | None
    name: str | None
    avatar_url: str | None
    is_verified: bool
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    id: UUID
    role: str
    status: str


sign_in = sql.row("sign_in", Account)
get = sql.row("get", Account)
by_phone = sql.row("by_phone", Account)
by_email = sql.row("by_email", Account)
lock = sql.row("lock", Account)
update_profile = sql.row("update_profile", Account)
set_phone = sql.row("set_phone", Account)
set_active = sql.row("set_active", Account)
insert = sql.row("insert", Account)
membership = sql.row("membership", Membership)
add_membership = sql.row("add_membership", Membership)
