"""Rows of machine credentials: a public key, and the hash of the secret that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("api_keys")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`maker_role` and its overrides are None for a key that no person made."""

    id: UUID
    party_id: UUID
    party_kind: str
    secret_hash: bytes
    previous_hash: bytes | None
    scopes: dict[str, Any]
    made_by: UUID | None
    maker_role: str | None
    maker_permissions: dict[str, Any] | None
    ip_allow: list[str]
    rate_limit: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """`status`: `active`, or why it opens nothing: `expired`, `maker_gone`."""

    id: UUID
    name: str
    public_key: str
    scopes: dict[str, Any]
    ip_allow: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    description: str | None
    rate_limit: int | None
    status: str


insert = sql.scalar("insert", UUID)
find = sql.row("find", ApiKey)
find_by_id = sql.row("find_by_id", ApiKey)
of_party = sql.rows("of_party", Listed)
rotate = sql.scalar("rotate", UUID)
revoke = sql.scalar("revoke", UUID)
revoke_of_party = sql.run("revoke_of_party")
used = sql.run("used")
set_scopes = sql.scalar("set_scopes", UUID)
set_ip_allow = sql.scalar("set_ip_allow", UUID)
issue = sql.scalar("issue", UUID)
