"""What people of the house did to somebody else's things, kept beside the deed itself, for good.

Every endpoint that changes something for staff leads to exactly one of these calls, in the transaction of the change:

    async with services.transaction() as tx:
        before = await rows.lock(tx.conn, id=service_id)
        after = await rows.update(tx.conn, ...)
        await audit.changed(tx, caller.actor, "update_service", "service", service_id, before, after)

`changed` compares two rows (dataclasses or mappings) and keeps the fields that differ as {field: {old, new}}; what was
made has no `old`, what was deleted no `new`. `record` takes the changes as they are. Both take the address and the
agent from the actor: `caller.actor` of an endpoint carries them, so hand that on and make no Actor of your own. Fields
whose name says that they are secret are masked. Services that record by themselves (assigning, cancelling, bookings)
are not recorded again by the endpoint. An action is `verb_noun`, a resource type a noun of the glossary.

Entries can be neither changed nor deleted, and each is tied to the one before it by a hash: `verify` names what was
tampered with all the same (`audit_checks` does so for what is new, and knows what was found whole before).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any
from uuid import UUID

from dispatch.events import Actor
from dispatch.services import Tx
from storage import audit as rows
from storage.audit import Entry
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn

#: Fields whose values are kept from the audit; that they changed is told.
_SECRET = re.compile(
    r"(^|_)(password|passwd|secret|token|otp|code_hash|hash|sealed|pan|aadhaar|aadhar|account_number|iban|upi|key)(_|$)"
)
MASK = "***"
#: Fields that say nothing of what somebody did.
_SILENT = frozenset({"updated_at"})
#: The most findings that one proof names.
MOST_FINDINGS = 1000
#: So many entries are read by one statement: a fraction of what a statement may take.
STEP = 10_000


async def record(
    tx: Tx, actor: Actor, action: str, resource_type: str, resource_id: object, changes: Mapping[str, Any] | None = None
) -> None:
    """One entry. `changes` maps a field to {old, new}, or says what was asked for."""
    kept = None if changes is None else {name: _kept(name, value) for name, value in changes.items()}
    await rows.insert(
        tx.conn, realm=actor.kind, actor_id=actor.id, action=action, resource_type=resource_type,
        resource_id=None if resource_id is None else str(resource_id), changes=kept, ip=actor.origin.ip,
        user_agent=actor.origin.user_agent,
    )  # fmt: skip


async def changed(
    tx: Tx, actor: Actor, action: str, resource_type: str, resource_id: object, old: object, new: object
) -> dict[str, Any]:
    """One entry with what differs between two rows, which is returned; none when nothing does."""
    changes = difference(old, new)
    if changes:
        await record(tx, actor, action, resource_type, resource_id, changes)
    return changes


def difference(old: object, new: object) -> dict[str, Any]:
    """{field: {old, new}} of two dataclasses or mappings; None is what is not there (yet, or any more)."""
    before, after = _fields(old), _fields(new)
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: {"old": before.get(name), "new": after.get(name)}
        for name in names
        if name not in _SILENT and before.get(name) != after.get(name)
    }


async def page(conn: Conn, wanted: Wanted, timezone: str) -> Slice[Entry]:
    """Entries; the days of the filters are those of this place."""
    return await rows.entries.page(conn, wanted, timezone=timezone)


async def verify(conn: Conn) -> list[str]:
    """What is wrong with the audit, a sentence each; nothing when all of it is what was written. All of it is read."""
    end = (await head(conn)).seq
    said: list[str] = []
    for first in range(1, max(end, 1) + 1, STEP):
        last = min(first + STEP - 1, end)
        said += await between(conn, first, last, is_end=last == end)
        if len(said) >= MOST_FINDINGS:
            break
    return list(dict.fromkeys(said))[:MOST_FINDINGS]


async def between(conn: Conn, first: int, last: int, *, is_end: bool = False) -> list[str]:
    """The same for these numbers alone, both included; `is_end` says that they are the last that there are."""
    broken = await rows.broken(conn, first=first, last=last, limit=MOST_FINDINGS)
    broken += await rows.unchained(conn, first=first, last=last, is_end=is_end, limit=MOST_FINDINGS)
    said = [_said(one) for one in broken]
    for gap in await rows.gaps(conn, first=first, last=last, limit=MOST_FINDINGS):
        which = f"number {gap.from_seq}" if gap.from_seq == gap.to_seq else f"numbers {gap.from_seq} to {gap.to_seq}"
        said.append(f"Of the audit {which} with what they were about: missing.")
    if is_end and await rows.end_differs(conn):
        said.append("The end of the audit's chain is not what its last entry makes.")
    return said


async def head(conn: Conn) -> rows.Head:
    """The end of the chain: kept elsewhere, it proves later that nothing before it was written anew."""
    found = await rows.head(conn)
    assert found is not None, "the migration put it there"
    return found


def _said(one: rows.Broken) -> str:
    if one.fault == "missing":
        return f"Row {one.audit_id} (number {one.seq}) is missing."
    if one.fault == "unchained":
        return f"Row {one.audit_id} was put in past the chain."
    return f"Row {one.audit_id} (number {one.seq}) was changed."


def _fields(row: object) -> dict[str, Any]:
    if row is None:
        return {}
    if isinstance(row, Mapping):
        return dict(row)
    assert dataclasses.is_dataclass(row), "a row is a dataclass or a mapping"
    return {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}


def _kept(name: str, value: Any) -> Any:
    """A value as JSON, and as nobody can learn a secret from it."""
    if isinstance(value, Mapping):
        is_pair = value.keys() == {"old", "new"}
        return {str(k): _kept(name if is_pair else str(k), v) for k, v in value.items()}
    if value is not None and _SECRET.search(name.lower()):
        return MASK
    if isinstance(value, bytes):
        return MASK
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_kept(name, item) for item in items]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str | UUID | datetime | date | time):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _kept(name, _fields(value))
    return str(value)
