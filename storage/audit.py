"""Rows of audit_log: what staff and services did, what it changed, and the chain that ties them together."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database.binder import Statements

sql = Statements("audit")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many entries there are, and the hash of the last."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry that is not what was written. `seq` is 0 for one that no link knows."""

    seq: int
    audit_id: int
    fault: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of entries that are gone with their links, both ends included."""

    from_seq: int
    to_seq: int


insert = sql.run("insert")
head = sql.row("head", Head)
broken = sql.rows("broken", Broken)
gaps = sql.rows("gaps", Gap)
end_differs = sql.scalar("end_differs", bool)
