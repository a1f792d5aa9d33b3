"""Rows of the ERP's own staff: memberships of no party."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("erp_team")


@dataclass(frozen=True, slots=True)
class Clerk:
    """Without a password they have not used their link yet."""

    id: UUID
    account_id: UUID
    email: str | None
    name: str | None
    role: str
    status: str
    has_password: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Keeper:
    id: UUID
    can_come_in: bool


every = sql.rows("every", Clerk)
get = sql.row("get", Clerk)
lock_admins = sql.rows("lock_admins", Keeper)
save = sql.run("save")
