"""Approvals of bulk bookings: who is asked, never whoever asks, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.access.permissions import ROLES, WRITE
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, NotAllowed
from dispatch.outbox import messages
from dispatch.parties import budgets, members, organisations
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import booking_approvals as word_rows
from storage import bulk_bookings as rows
from storage.bulk_bookings import Approval, Bulk
from storage.database.pool import Conn
from storage.departments import Department
from storage.members import Member

#: Roles that decide on what others ask for.
DECIDERS = tuple(role for role, levels in ROLES["organisation"].items() if levels.get("approvals") == WRITE)
_WHOLE = tuple(role for role in DECIDERS if role != members.MANAGER)


class WrongStatus(Conflict):
    """This bulk booking is not at a point where that can be done."""

    code = "wrong_state"


class NotApprover(NotAllowed):
    """You are not one of those who were asked to approve this."""

    code = "not_approver"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the request says of it; `approvers` are members."""

    is_required: bool = False
    approvers: Sequence[UUID] = ()


async def approvers(
    tx: Tx, by: By, wanted: Wanted, department: Department | None, asking: UUID, months: Mapping[date, int], *,
    is_over_limit: bool,
) -> list[UUID]:  # fmt: skip
    """Whose word is waited for: nobody, or members other than whoever asks. Raises Invalid.

    Where the organisation demands it, those who approve there are asked, and whoever is named besides.
    `months`: what it comes to in each, by its first day.
    """
    department_id = department.id if department else None
    line = await budgets.approval_line(tx.conn, by.organisation_id, department_id, months)
    is_demanded = is_over_limit or bool(department and department.approval_required)
    is_demanded = is_demanded or (line is not None and sum(months.values()) > line)
    if by.member_id is not None and not is_demanded:
        me = await members.get(tx.conn, By(by.organisation_id, by.actor, by.role), by.member_id)
        is_demanded = me.require_approval
    if not (wanted.is_required or is_demanded):
        return []
    named = list(dict.fromkeys(wanted.approvers))
    await _check_named(tx.conn, by.organisation_id, named, asking)
    asked: list[UUID] = []
    if is_demanded or not named:
        own = department.approvers if department else ()
        asked = await deciders(tx.conn, by.organisation_id, own, asking, besides=named)
        if not asked:
            raise Invalid({"billing.approvers": "This needs an approval, and nobody else may give it: enrol somebody."})
    return [one for one in dict.fromkeys([*asked, *named]) if one != asking]


async def _check_named(conn: Conn, organisation_id: UUID, named: Sequence[UUID], asking: UUID) -> None:
    """Raises Invalid."""
    if not named:
        return
    found = await rows.approvers(conn, organisation_id=organisation_id, ids=list(named), roles=list(DECIDERS))
    if set(named) - {one.id for one in found}:
        raise Invalid({"billing.approvers": "Everybody named here must be an active member who may approve."})
    if set(named) == {asking}:
        raise Invalid({"billing.approvers": "Nobody approves what they ask for themselves: name somebody else."})


async def deciders(
    conn: Conn, organisation_id: UUID, own: Sequence[UUID], asking: UUID, *, besides: Sequence[UUID] = ()
) -> list[UUID]:
    """Those of a department's own who may approve what `asking` asks for; without any, one who decides for the whole,
    if any: those of `besides`, who are asked anyway, before others.
    """
    found = await rows.approvers(conn, organisation_id=organisation_id, ids=list(own), roles=list(DECIDERS))
    fit = {one.id for one in found} - {asking}
    if fit:
        return [one for one in own if one in fit]
    whole = await rows.deciders(conn, organisation_id=organisation_id, roles=list(_WHOLE))
    others = [one.id for one in whole if one.id != asking]
    return [one for one in others if one in besides][:1] or others[:1]


async def write_to(
    tx: Tx, asked: Sequence[UUID], asking: Member, number: str, day: date, total_minor: int, currency: str
) -> None:
    """Tells those who were asked what for, by letter."""
    params = {
        "who": f"{asking.first_name} {asking.last_name}".strip(), "number": number, "day": day.isoformat(),
        "amount": f"{total_minor / 100:,.2f} {currency}",
    }  # fmt: skip
    for one in await word_rows.whom(tx.conn, ids=list(asked)):
        await messages.enqueue(tx, "email", one.email, "approval_wanted", params)


async def answer(tx: Tx, bulk: Bulk, template: str, reason: str | None = None) -> None:
    """Tells whoever asked for a series what became of it, by letter; once they are gone, their organisation."""
    params = {"number": bulk.number, "title": bulk.title, "reason": reason or ""}
    found = [one.email for one in await word_rows.whom(tx.conn, ids=[bulk.member_id])]
    home = await organisations.get(tx.conn, bulk.organisation_id)
    for address in found or [organisations.reached_at(home)]:
        await messages.enqueue(tx, "email", address, template, params)


def may_stand_in(by: By) -> bool:
    """Whether somebody decides for the whole organisation, and so for those who were asked and are gone."""
    return by.role in _WHOLE


async def decide(tx: Tx, by: By, bulk: Bulk, decision: str, note: str | None) -> None:
    """One of those who were asked has their say. Raises WrongStatus, NotApprover."""
    if bulk.status != "pending_approval":
        raise WrongStatus("Nobody's approval is waited for any more.")
    if by.member_id is None or by.member_id == bulk.member_id:
        raise NotApprover
    if may_stand_in(by) and not await waits_for(tx.conn, bulk):
        # Whoever was asked is gone: somebody who decides for the whole stands in.
        await rows.add_approvals(tx.conn, bulk_id=bulk.id, members=[by.member_id])
    decided = await rows.decide(tx.conn, bulk_id=bulk.id, member_id=by.member_id, decision=decision, note=note)
    if decided is None:
        asked = {a.member_id: a for a in await words_of(tx.conn, bulk.id)}
        if by.member_id not in asked:
            raise NotApprover
        raise WrongStatus("You have decided on this already.")
    await audit.record(tx, by.actor, f"bulk_booking.{decision}", "bulk_booking", bulk.id)


async def waits_for(conn: Conn, bulk: Bulk) -> list[UUID]:
    """Whose word is still waited for; who is no longer an active member, or no longer decides, is not."""
    return [a.member_id for a in await words_of(conn, bulk.id) if a.decision is None and a.is_there]


async def words_of(conn: Conn, bulk_id: UUID) -> list[Approval]:
    """Everybody who was asked, and what they said."""
    return await rows.approvals(conn, bulk_id=bulk_id, roles=list(DECIDERS))
