"""The status of trade partners: who may order, why not, and until when; blocks that end by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid
from dispatch.events import Actor
from dispatch.outbox import messages
from dispatch.parties import trade_partners
from dispatch.services import Tx
from storage import trade_partners as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.trade_partners import StatusChange, TradePartner

#: A partner's statuses so far, as a list.
LIST = rows.statuses
#: How a status reads in a letter.
_WORDS = {"ACTIVE": "active", "ON_HOLD": "on hold", "BLOCKED": "blocked", "CLOSED": "closed"}


class CannotToggle(Conflict):
    """Only a partner that is active or on hold can be toggled; set the status of this one."""

    code = "cannot_toggle"


async def toggle(tx: Tx, actor: Actor, no: int) -> None:
    """Active becomes on hold and the other way round. Raises Missing, CannotToggle (C103)."""
    partner = await trade_partners.lock(tx, no)
    if partner.status not in ("ACTIVE", "ON_HOLD"):
        raise CannotToggle
    await _move(tx, actor, [partner], "ON_HOLD" if partner.status == "ACTIVE" else "ACTIVE", None)


async def set_status(tx: Tx, actor: Actor, no: int, status: str, reason: str, *, notifies: bool) -> bool:
    """With a reason; the partner gets a letter where it is asked for and has an address: whether it has one.

    Raises Missing.
    """
    partner = await trade_partners.lock(tx, no)
    await _move(tx, actor, [partner], status, reason, notifies=notifies)
    return bool(partner.email)


async def set_all(tx: Tx, actor: Actor, nos: Sequence[int], status: str, reason: str | None) -> int:
    """All of these or none; gives how many. Raises Invalid for unknown ids."""
    partners = await trade_partners.lock_all(tx, nos)
    await _move(tx, actor, partners, status, reason)
    return len(partners)


async def block(tx: Tx, actor: Actor, no: int, until: date | None, reason: str | None) -> None:
    """Until the beginning of a day, or until somebody unblocks it. Raises Missing, Invalid (a day not ahead)."""
    partner = await trade_partners.lock(tx, no)
    ends = None if until is None else trade_partners.end_of_block(until, tx.services.settings.timezone)
    if ends is not None and ends <= tx.now:
        raise Invalid({"blocked_until": "must be a day in the future"})
    await _move(tx, actor, [partner], "BLOCKED", reason, until=ends)


async def unblock(tx: Tx, actor: Actor, no: int) -> None:
    """Whatever stood against the partner is over (R153). Raises Missing."""
    partner = await trade_partners.lock(tx, no)
    await _move(tx, actor, [partner], "ACTIVE", None)


async def page(conn: Conn, no: int, wanted: Wanted) -> Slice[StatusChange]:
    """The newest first. Raises Missing."""
    await trade_partners.get(conn, no)
    return await rows.statuses.page(conn, wanted, partner_no=no)


async def lift_expired(tx: Tx) -> int:
    """Ends the blocks whose time is over; gives how many."""
    return await rows.lift_expired(tx.conn, numbers=None)


async def _move(
    tx: Tx,
    actor: Actor,
    partners: Sequence[TradePartner],
    status: str,
    reason: str | None,
    *,
    until: datetime | None = None,
    notifies: bool = False,
) -> None:
    """Whoever stands so already, for this reason and until then, is left alone: a repetition is no second deed, and
    nobody gets the same letter twice.
    """
    reason, blocked = reason or None, status == "BLOCKED"
    told_last = {s.partner_no: s for s in await rows.latest_statuses(tx.conn, numbers=[p.no for p in partners])}

    def stands(partner: TradePartner) -> bool:
        last = told_last.get(partner.no)
        if last is None or (partner.status, last.new, last.reason) != (status, status, reason):
            return False
        if notifies and partner.email and not last.is_notified:
            return False
        return not blocked or (partner.blocked_until, partner.block_reason) == (until, reason)

    partners = [partner for partner in partners if not stands(partner)]
    nos = [partner.no for partner in partners]
    await rows.set_status(
        tx.conn, numbers=nos, status=status, blocked_until=until if blocked else None,
        block_reason=reason if blocked else None,
    )  # fmt: skip
    told = [p for p in partners if notifies and p.email]
    for partner in told:
        assert partner.email is not None, "they were chosen by it"
        words = {"name": partner.name, "status": _WORDS[status], "reason": reason or ""}
        await messages.enqueue(tx, "email", partner.email, "partner_status", words)
    await rows.note_statuses(
        tx.conn, numbers=nos, olds=[p.status for p in partners], new=status, reason=reason, is_notified=bool(told),
        blocked_until=until, actor_kind=actor.kind, actor_id=actor.id,
    )  # fmt: skip
    for partner in partners:
        changes = {"status": {"old": partner.status, "new": status}}
        await audit.record(tx, actor, "set_partner_status", "trade_partner", partner.no, changes)
