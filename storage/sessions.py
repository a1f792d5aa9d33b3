"""Rows of sessions: one row is one sign-in, a family of refresh tokens of which only hashes are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("sessions")


@dataclass(frozen=True, slots=True)
class LockedSession:
    id: UUID
    realm: str
    subject_id: UUID
    refresh_hash: bytes
    previous_hash: bytes | None
    is_in_grace: bool
    is_open: bool
    revoked_reason: str | None
    seconds_left: float


@dataclass(frozen=True, slots=True)
class SessionName:
    id: str


@dataclass(frozen=True, slots=True)
class LivingSession:
    id: UUID
    realm: str
    subject_id: UUID
    #: Of the membership that is signed in, where it is one.
    role: str | None
    permissions: dict[str, Any] | None
    membership_id: UUID | None
    account_id: UUID | None
    party_id: UUID | None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A sign-in as its owner may see it."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How many sign-ins ended, and in which realms."""

    count: int
    realms: list[str]


open = sql.run("open")
lock = sql.row("lock", LockedSession)
rotate = sql.run("rotate")
revoke = sql.scalar("revoke", str)
revoke_all = sql.row("revoke_all", Ended)
living = sql.rows("living", LivingSession)
dead_among = sql.rows("dead_among", SessionName)
of_subject = sql.rows("of_subject", OpenSession)
forget_places = sql.run("forget_places")
purge = sql.run("purge")
