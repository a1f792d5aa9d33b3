"""Rows of accounts: the people who sign in, and their ties to the portals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
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
class Contact:
    """How somebody wants to be reached; `phone` may be unverified."""

    name: str | None
    email: str | None
    phone: str | None
    avatar_url: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    id: UUID
    role: str
    status: str


@dataclass(frozen=True, slots=True)
class Credentials:
    id: UUID
    password_hash: str
    is_active: bool
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """An active membership; `permissions` are what this person has beside or instead of the role's."""

    id: UUID
    account_id: UUID
    realm: str
    role: str
    permissions: dict[str, Any]
    party_id: UUID | None
    party_name: str | None


part_phone = sql.run("part_phone")
sign_in = sql.row("sign_in", Account)
get = sql.row("get", Account)
by_phone = sql.row("by_phone", Account)
by_email = sql.row("by_email", Account)
lock = sql.row("lock", Account)
update_profile = sql.row("update_profile", Account)
fill_profile = sql.run("fill_profile")
set_phone = sql.row("set_phone", Account)
set_active = sql.row("set_active", Account)
insert = sql.row("insert", Account)
membership = sql.row("membership", Membership)
add_membership = sql.row("add_membership", Membership)
credentials = sql.row("credentials", Credentials)
set_password = sql.scalar("set_password", UUID)
memberships_of = sql.rows("memberships_of", Tie)
tie = sql.row("tie", Tie)
credentials_of = sql.row("credentials_of", Credentials)
signed_in = sql.scalar("signed_in", UUID)
switched = sql.row("switched", Account)
lock_address = sql.run("lock_address")
of_invitation = sql.row("of_invitation", Account)
has_password = sql.scalar("has_password", bool)
drop_unproved = sql.scalar("drop_unproved", UUID)
join_party = sql.scalar("join_party", UUID)
set_contact = sql.run("set_contact")
contact = sql.row("contact", Contact)
