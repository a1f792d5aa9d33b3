"""Rows of idempotency keys: one claim per (principal, route, key), and the answer to repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database.binder import Statements

sql = Statements("idempotency")


@dataclass(frozen=True, slots=True)
class Stored:
    body_hash: bytes
    state: str
    status: int | None
    response: bytes | None
    headers: dict[str, str] | None
    seconds_left: float


claim = sql.scalar("claim", datetime)
get = sql.row("get", Stored)
finish = sql.run("finish")
release = sql.run("release")
purge = sql.run("purge")
