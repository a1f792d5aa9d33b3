"""How far the audit was found to be what was written: a mark, so that who asks again reads what is new.

The mark is a row: up to which number, and the hash of its link. The hash stands for everything before it, so that a
chain which was written anew from somewhere on is found at once, even where every link fits the one before. What
somebody could do who writes to the database past its triggers:

- change an entry, but not its link: a check that reads it finds it, `prove` always does;
- write the chain anew from there: the link at the mark has another hash;
- move the mark past it: the mark is sealed with a key of the vault, which is not in the database;
- cut off the end, its head included: the mark lies beyond the end;
- put back an older mark, or none: more is read, and what was written anew after it does not show. So each move of the
  mark is a line of the log, which is kept elsewhere.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from dispatch.engine import audit
from dispatch.services import Services, Tx
from dispatch.vault import vault_of
from storage import audit as rows
from storage.audit import Head, Mark
from storage.database.pool import Conn

log = logging.getLogger(__name__)

#: What one check reads of what is new, and where and how much of what was checked before it reads again.
MOST_NEW = audit.STEP
WINDOWS, WINDOW = 10, 100
_NOT_OURS = (
    "The mark of what was found whole before is not this server's: it was changed, or the vault has other keys. "
    "`dispatch audit verify` reads everything and makes it anew."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check read: the numbers from `first` to `last` (none of them when first is after last), and so many of
    those up to `marked`, which were found whole before."""

    head: Head
    marked: int
    first: int
    last: int
    again: int
    findings: list[str]


async def check(tx: Tx) -> Checked:
    """Reads what came since the mark, up to MOST_NEW, and some of what lies before it; the mark then moves.

    What was found once is found again: the mark never passes it.
    """
    head, known = await audit.head(tx.conn), await rows.mark(tx.conn)
    ours = _ours(tx, known)
    against = await _against(tx.conn, head, known, ours)
    marked = ours.seq if ours is not None else 0
    first, last = marked + 1, max(marked, min(head.seq, marked + MOST_NEW))
    new = await audit.between(tx.conn, first, last, is_end=last >= head.seq)
    old, again, whole_to = list[str](), 0, last if not new else marked
    for begin, end in _windows(min(marked, head.seq)):
        again += end - begin + 1
        if old := await audit.between(tx.conn, begin, end):
            whole_to = begin - 1
            break
    if whole_to != marked and not against:
        await _put(tx, known, whole_to)
    return Checked(head, marked, first, last, again, list(dict.fromkeys(against + new + old)))


async def prove(tx: Tx) -> list[str]:
    """Reads everything; what is wrong, a sentence each. Where all is what was written the mark is at its end.

    A mark that was not ours is told once, and then is.
    """
    head, known = await audit.head(tx.conn), await rows.mark(tx.conn)
    ours = _ours(tx, known)
    found = await audit.verify(tx.conn)
    against = await _against(tx.conn, head, known, ours)
    if not found and (not against or ours is None):
        await _put(tx, known, head.seq)
    return found + against


async def _against(conn: Conn, head: Head, known: Mark | None, ours: Mark | None) -> list[str]:
    """What the mark says against the chain."""
    if ours is None:
        return [] if known is None else [_NOT_OURS]
    if ours.seq > head.seq:
        return [f"Of the audit numbers {head.seq + 1} to {ours.seq}, which were there before: missing."]
    if ours.seq and await rows.link(conn, seq=ours.seq) != ours.hash:
        return [f"Number {ours.seq} is another than was found whole before: the chain up to it was written anew."]
    return []


def _windows(marked: int) -> list[tuple[int, int]]:
    """Which numbers up to here are read again: all of a few, of many some that nobody can foretell."""
    if marked <= WINDOWS * WINDOW:
        return [(1, marked)] if marked else []
    starts = (1 + secrets.randbelow(marked - WINDOW + 1) for _ in range(WINDOWS))
    return [(start, start + WINDOW - 1) for start in starts]


def _ours(tx: Tx, known: Mark | None) -> Mark | None:
    if known is None or not secrets.compare_digest(known.seal, _seal(tx.services, known.seq, known.hash)):
        return None
    return known


async def _put(tx: Tx, known: Mark | None, seq: int) -> None:
    link = await rows.link(tx.conn, seq=seq) if seq else b""
    if link is None:
        return
    seal = _seal(tx.services, seq, link)
    if await rows.put_mark(tx.conn, seq=seq, hash=link, seal=seal, known_seal=known.seal if known else None):
        log.info("the audit is what was written up to number %d, whose hash is %s", seq, link.hex())


def _seal(services: Services, seq: int, link: bytes) -> bytes:
    return vault_of(services.settings).mac("audit mark", seq.to_bytes(8, "big"), link)
