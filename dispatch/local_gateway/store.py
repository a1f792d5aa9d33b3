"""The gateway's memory: one SQLite file of entities, kept replies, events to send, things to do later."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Doc = dict[str, Any]
"""An entity as it goes over the wire; names that begin with _ are the gateway's own and stay inside."""

_SCHEMA = """
create table if not exists meta (name text primary key, value text not null);
create table if not exists entities (
  seq integer primary key autoincrement, id text not null unique, kind text not null,
  created_at integer not null, parent text, reference text, doc text not null);
create index if not exists entities_by_time on entities (kind, created_at desc, seq desc);
create index if not exists entities_by_parent on entities (kind, parent);
create index if not exists entities_by_reference on entities (kind, reference);
create table if not exists replies (
  scope text not null, key text not null, body_hash text not null, doc text not null,
  primary key (scope, key));
create table if not exists events (
  seq integer primary key autoincrement, event_id text not null, event text not null, body blob not null,
  signed_with text not null, state text not null, attempts integer not null default 0,
  queued_at real not null, due_at real not null, status integer);
create index if not exists events_due on events (state, due_at, seq);
create table if not exists jobs (
  seq integer primary key autoincrement, kind text not null, target text not null, due_at real);
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One copy of a webhook. States: queued, held, delivered, dropped, failed, unsent (no address is set)."""

    seq: int
    event_id: str
    event: str
    body: bytes
    signed_with: str
    state: str
    attempts: int
    queued_at: float
    due_at: float
    status: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do at `due_at` (unix s), or on demand only."""

    seq: int
    kind: str
    target: str


class Store:
    """Used from one thread. `path` None keeps everything in memory only."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            # What SQLite lays beside it is as open as it is.
            path.touch()
            path.chmod(0o600)
        self._db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None)
        # Survives the death of the process; only a power cut may lose the last moments.
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; an inner one is part of the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def meta(self, name: str, default: str) -> str:
        """The stored value; the default is stored if there is none."""
        self._db.execute("insert or ignore into meta values (?, ?)", (name, default))
        row = self._db.execute("select value from meta where name = ?", (name,)).fetchone()
        return str(row[0])

    def next_number(self) -> int:
        self.meta("counter", "0")
        row = self._db.execute(
            "update meta set value = cast(value as integer) + 1 where name = 'counter' returning value"
        ).fetchone()
        return int(row[0])

    def add(self, kind: str, doc: Doc, *, parent: str | None = None, reference: str | None = None) -> None:
        self._db.execute(
            "insert into entities (id, kind, created_at, parent, reference, doc) values (?, ?, ?, ?, ?, ?)",
            (doc["id"], kind, doc["created_at"], parent, reference, json.dumps(doc)),
        )

    def save(self, doc: Doc) -> None:
        self._db.execute("update entities set doc = ? where id = ?", (json.dumps(doc), doc["id"]))

    def find(self, kind: str, entity_id: str) -> Doc | None:
        row = self._db.execute("select doc from entities where id = ? and kind = ?", (entity_id, kind)).fetchone()
        return json.loads(row[0]) if row else None

    def by_parent(self, kind: str, parent: str) -> list[Doc]:
        rows = self._db.execute(
            "select doc from entities where kind = ? and parent = ? order by seq desc", (kind, parent)
        )
        return [json.loads(row[0]) for row in rows]

    def by_reference(self, kind: str, reference: str) -> list[Doc]:
        rows = self._db.execute(
            "select doc from entities where kind = ? and reference = ? order by seq desc", (kind, reference)
        )
        return [json.loads(row[0]) for row in rows]

    def page(self, kind: str, from_s: int, to_s: int, count: int, skip: int) -> list[Doc]:
        """The newest first."""
        rows = self._db.execute(
            "select doc from entities where kind = ? and created_at between ? and ?"
            " order by created_at desc, seq desc limit ? offset ?",
            (kind, from_s, to_s, count, skip),
        )
        return [json.loads(row[0]) for row in rows]

    def all(self, kind: str) -> list[Doc]:
        rows = self._db.execute("select doc from entities where kind = ? order by seq", (kind,))
        return [json.loads(row[0]) for row in rows]

    def reply(self, scope: str, key: str) -> tuple[str, Doc] | None:
        """(hash of the body, the reply) kept for an idempotency key."""
        row = self._db.execute(
            "select body_hash, doc from replies where scope = ? and key = ?", (scope, key)
        ).fetchone()
        return (row[0], json.loads(row[1])) if row else None

    def keep_reply(self, scope: str, key: str, body_hash: str, doc: Mapping[str, Any]) -> None:
        self._db.execute("insert into replies values (?, ?, ?, ?)", (scope, key, body_hash, json.dumps(doc)))

    def add_event(
        self, event_id: str, event: str, body: bytes, signed_with: str, state: str, now: float, due: float
    ) -> None:
        self._db.execute(
            "insert into events (event_id, event, body, signed_with, state, queued_at, due_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (event_id, event, body, signed_with, state, now, due),
        )

    def events(self, state: str | None = None) -> list[Event]:
        rows = self._db.execute(
            "select * from events where ? is null or state = ? order by due_at, seq", (state, state)
        )
        return [Event(*row) for row in rows]

    def next_event(self) -> Event | None:
        row = self._db.execute("select * from events where state = 'queued' order by due_at, seq limit 1").fetchone()
        return Event(*row) if row else None

    def settle_event(self, seq: int, state: str, *, attempts: int, due_at: float, status: int | None) -> None:
        self._db.execute(
            "update events set state = ?, attempts = ?, due_at = ?, status = ? where seq = ?",
            (state, attempts, due_at, status, seq),
        )

    def event_counts(self) -> dict[str, int]:
        return dict(self._db.execute("select state, count(*) from events group by state"))

    def add_job(self, kind: str, target: str, due_at: float | None) -> None:
        self._db.execute("insert into jobs (kind, target, due_at) values (?, ?, ?)", (kind, target, due_at))

    def next_job_at(self) -> float | None:
        row = self._db.execute("select min(due_at) from jobs").fetchone()
        return None if row[0] is None else float(row[0])

    def due_jobs(self, now: float) -> list[Job]:
        rows = self._db.execute("select seq, kind, target from jobs where due_at <= ? order by due_at, seq", (now,))
        return [Job(*row) for row in rows]

    def all_jobs(self) -> list[Job]:
        return [Job(*row) for row in self._db.execute("select seq, kind, target from jobs order by seq")]

    def drop_job(self, seq: int) -> None:
        self._db.execute("delete from jobs where seq = ?", (seq,))
