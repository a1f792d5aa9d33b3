"""Rows of the outbox: what must leave the server, written with its cause, sent by a sweep, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database.binder import Statements

sql = Statements("outbox")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this node may send now; `attempts` counts the present one."""

    id: int
    channel: str
    stream: str
    recipient: str
    template: str
    body: str
    data: dict[str, Any]
    is_secret: bool
    attempts: int
    created_at: datetime
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A row that left. `goes_on`: another of its stream waits."""

    id: int
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A row as `dispatch outbox` shows it."""

    id: int
    channel: str
    stream: str
    recipient: str
    template: str
    body: str
    data: dict[str, Any]
    is_secret: bool
    state: str
    attempts: int
    error: str | None
    created_at: datetime
    sent_at: datetime | None


put = sql.scalar("put", int)
supersede = sql.run("supersede")
claim = sql.rows("claim", Claimed)
sent = sql.rows("sent", Sent)
retry = sql.run("retry")
dead = sql.run("dead")
page = sql.rows("page", Listed)
purge = sql.run("purge")
