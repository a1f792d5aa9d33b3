"""Rows of audit_log: what staff and services did, what it changed, and the chain that ties them together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("audit")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many entries there are, and the hash of the last."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry that is not what was written: missing, changed, or unchained, whose `seq` is 0."""

    seq: int
    audit_id: int
    fault: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of entries that are gone with their links, both ends included."""

    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to this number, which had this hash, all was found to be what was written; `seal` is what proves the mark."""

    seq: int
    hash: bytes
    seal: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    key: UUID
    realm: str
    actor_id: str | None
    actor_name: str | None
    actor_email: str | None
    action: str
    resource_type: str
    resource_id: str | None
    changes: dict[str, Any] | None
    ip: str | None
    user_agent: str | None
    at: datetime


entries = Listed(
    sql, "all", Entry,
    key=Sort("l.id", "bigint"),
    sorts={"created_at": Sort("l.at", "timestamptz"), "id": Sort("l.id", "bigint")},
    default_sort=(("id", True),),
    filters={
        "admin_id": AnyOf("l.actor_id", "text"), "resource_type": AnyOf("l.resource_type", "text"),
        "resource_id": AnyOf("l.resource_id", "text"), "action": AnyOf("l.action", "text"),
        "realm": AnyOf("l.realm", "text"), "ip_address": AnyOf("l.ip", "text"), **made_on_days("l.at"),
    },
    indexed=[
        ("", ()), ("", ("admin_id",)), ("", ("action",)), ("", ("resource_type", "resource_id")),
        ("created_at", ()), ("created_at", ("date_from", "date_to")),
    ],
)  # fmt: skip

insert = sql.run("insert")
head = sql.row("head", Head)
broken = sql.rows("broken", Broken)
gaps = sql.rows("gaps", Gap)
unchained = sql.rows("unchained", Broken)
end_differs = sql.scalar("end_differs", bool)
link = sql.scalar("link", bytes)
mark = sql.row("mark", Mark)
put_mark = sql.run("put_mark")
