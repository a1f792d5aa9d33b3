"""Approvals of bookings that members make for themselves: nobody is sent before those who were asked have agreed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from dispatch.billing import bulk_approvals
from dispatch.billing.bulk_approvals import NotApprover
from dispatch.engine import audit, bookings, lifecycle, offers
from dispatch.errors import Missing, NotAllowed
from dispatch.parties import organisations
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import booking_approvals as rows
from storage.booking_approvals import Wanted, Word
from storage.bookings import Booking
from storage.database.pool import Conn
from storage.departments import Department
from storage.members import Member


class NeedsApproval(NotAllowed):
    """A booking like this needs an approval first, and nobody of your organisation may give it: ask its owner."""

    code = "approval_required"


async def ask(tx: Tx, booking: Booking, member: Member, department: Department | None) -> None:
    """Asks those who approve for the department, else one who decides for the whole. Raises NeedsApproval."""
    named = list(department.approvers) if department else []
    asked = await bulk_approvals.deciders(tx.conn, member.organisation_id, named, member.id)
    if not asked:
        raise NeedsApproval
    await rows.ask(tx.conn, booking_id=booking.id, members=asked)
    await write_to(tx, booking, member, asked)


async def write_to(tx: Tx, booking: Booking, member: Member, asked: Sequence[UUID]) -> None:
    """Tells those who were asked what for, by letter."""
    await bulk_approvals.write_to(
        tx, asked, member, booking.number, booking.local_date, booking.grand_total_minor, booking.currency
    )


async def get(conn: Conn, by: By, booking_id: UUID) -> tuple[Wanted, list[Word]]:
    """Whoever was asked may look, whatever department they belong to. Raises Missing, OutOfReach."""
    found = await rows.wanted(conn, booking_id=booking_id, organisation_id=by.organisation_id)
    if found is None:
        raise Missing("booking")
    words = await words_of(conn, booking_id)
    if all(word.member_id != by.member_id for word in words):
        by.check_reach(found.department_id)
    return found, words


async def words_of(conn: Conn, booking_id: UUID) -> list[Word]:
    """Everybody who was asked, and what they said."""
    return await rows.of_booking(conn, booking_id=booking_id, roles=list(bulk_approvals.DECIDERS))


async def approve(tx: Tx, by: By, booking_id: UUID, note: str | None = None) -> None:
    """One of those who were asked agrees; with the last of them somebody is searched for.

    Raises Missing, OutOfReach, NotApprover, WrongState, NotVerified.
    """
    await organisations.active(tx.conn, by.organisation_id)
    await _decide(tx, by, booking_id, "approved", note)
    if all(word.decision or not word.is_there for word in await words_of(tx.conn, booking_id)):
        await bookings.approved(tx, booking_id, by.actor)


async def reject(tx: Tx, by: By, booking_id: UUID, note: str | None = None) -> None:
    """One of those who were asked says no: it ends, costs nothing, and what it held is free again. As `approve`."""
    booking = await _decide(tx, by, booking_id, "rejected", note)
    await bookings.end(tx, booking, by.actor, note or bookings.NOT_APPROVED)


async def _decide(tx: Tx, by: By, booking_id: UUID, decision: str, note: str | None) -> Booking:
    await get(tx.conn, by, booking_id)
    booking = await offers.lock(tx, booking_id)
    found, words = await get(tx.conn, by, booking_id)
    if not found.is_waiting:
        raise lifecycle.WrongState("Nobody's approval is waited for any more.")
    if by.member_id is None or by.member_id == found.member_id:
        raise NotApprover
    if bulk_approvals.may_stand_in(by) and not any(w.is_there and w.decision is None for w in words):
        # Whoever was asked is gone: somebody who decides for the whole stands in.
        await rows.ask(tx.conn, booking_id=booking_id, members=[by.member_id])
    elif all(word.member_id != by.member_id for word in words):
        raise NotApprover
    if await rows.decide(tx.conn, booking_id=booking_id, member_id=by.member_id, decision=decision, note=note) is None:
        raise lifecycle.WrongState("You have decided on this already.")
    await audit.record(tx, by.actor, f"booking.{decision}", "booking", booking_id)
    return booking
