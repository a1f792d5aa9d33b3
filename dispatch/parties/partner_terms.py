"""Payment terms: the terms there are, and which of them a trade partner has, one of them by default (C108)."""

from __future__ import annotations

from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import payment_terms as rows
from storage.database.errors import StorageError, is_foreign_key
from storage.database.pool import Conn
from storage.payment_terms import PartnerTerm, PaymentTerm

#: As many as there can be.
MOST_TERMS = 1000


class AlreadyAttached(Conflict):
    """This partner has this payment term already."""

    code = "already_attached"


class CannotDetach(Conflict):
    """A partner's default or only payment term cannot be removed: make another one the default first."""

    code = "default_term"


async def of_partner(conn: Conn, no: int) -> tuple[list[PartnerTerm], list[PaymentTerm]]:
    """The partner's own, the default first, and those that it could still get."""
    return await rows.of_partner(conn, partner_no=no), await rows.available(conn, partner_no=no, most=MOST_TERMS)


async def attach(tx: Tx, actor: Actor, no: int, term_id: int, *, is_default: bool) -> None:
    """The partner's lock is held; its first term is its default. Raises Missing, AlreadyAttached."""
    if await rows.get(tx.conn, id=term_id) is None:
        raise Missing("payment term")
    try:
        async with tx.savepoint():
            is_new = await rows.attach(tx.conn, partner_no=no, term_id=term_id)
    except StorageError as error:
        if not is_foreign_key(error):
            raise
        # It was deleted in this very moment.
        raise Missing("payment term") from error
    if not is_new:
        raise AlreadyAttached
    await audit.record(tx, actor, "add_payment_term", "trade_partner", no, {"payment_term_id": term_id})
    if is_default:
        await set_default(tx, actor, no, term_id)


async def set_default(tx: Tx, actor: Actor, no: int, term_id: int) -> None:
    """The partner's lock is held. Raises Missing for a term that the partner does not have."""
    await _put_first(tx, actor, no, term_id, await _default_of(tx, no))


async def make_default(tx: Tx, actor: Actor, no: int, term_id: int) -> None:
    """The same for a term that the partner may lack yet; the term is there."""
    old = await _default_of(tx, no)
    await rows.attach(tx.conn, partner_no=no, term_id=term_id)
    await _put_first(tx, actor, no, term_id, old)


async def _default_of(tx: Tx, no: int) -> int | None:
    return next((term.id for term in await rows.of_partner(tx.conn, partner_no=no) if term.is_default), None)


async def _put_first(tx: Tx, actor: Actor, no: int, term_id: int, old: int | None) -> None:
    await rows.undefault(tx.conn, partner_no=no, term_id=term_id)
    if not await rows.set_default(tx.conn, partner_no=no, term_id=term_id):
        raise Missing("payment term")
    if old != term_id:
        # When the partner's next orders are due is decided by it.
        changes = {"payment_term_id": {"old": old, "new": term_id}}
        await audit.record(tx, actor, "set_payment_term", "trade_partner", no, changes)


async def detach(tx: Tx, actor: Actor, no: int, term_id: int) -> None:
    """The partner's lock is held. Raises Missing, CannotDetach."""
    if await rows.detach(tx.conn, partner_no=no, term_id=term_id):
        await audit.record(tx, actor, "remove_payment_term", "trade_partner", no, {"payment_term_id": term_id})
        return
    if any(term.id == term_id for term in await rows.of_partner(tx.conn, partner_no=no)):
        raise CannotDetach
    raise Missing("payment term")
