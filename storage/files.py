"""Rows of files: what is stored outside the database, for whom, and where its bytes lie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("files")


@dataclass(frozen=True, slots=True)
class File:
    """`owner_id` is None for the house's own; `store_key` is a name of ours that nobody outside learns."""

    id: UUID
    owner_kind: str
    owner_id: UUID | None
    purpose: str
    name: str
    media_type: str
    size: int
    sha256: bytes
    store_key: str
    state: str
    made_by: str
    created_at: datetime
    expires_at: datetime | None


stage = sql.row("stage", File)
keep = sql.row("keep", File)
give = sql.row("give", File)
get = sql.row("get", File)
drop = sql.run("drop")
drop_own = sql.row("drop_own", File)
drop_of = sql.run("drop_of")
drop_old = sql.run("drop_old")
dropped = sql.rows("dropped", File)
store_keys = sql.scalar("store_keys", list[str])
forget = sql.run("forget")

#: Those that are there.
files = Listed(
    sql, "kept", File,
    key=Sort("f.id", "uuid"),
    sorts={
        "created_at": Sort("f.created_at", "timestamptz"), "name": Sort("f.name", "text"),
        "size": Sort("f.bytes", "bigint"),
    },
    default_sort=(("created_at", True),),
    filters={
        "owner_kind": AnyOf("f.owner_kind", "text"), "owner_id": AnyOf("f.owner_id", "uuid"),
        "purpose": AnyOf("f.purpose", "text"), "media_type": AnyOf("f.media_type", "text"),
    },
    indexed=[("created_at", ()), ("created_at", ("owner_kind", "owner_id")), ("created_at", ("purpose",))],
)  # fmt: skip
page = files.page
