"""Approvals that waited for a member who is gone or decides no longer: complete without, or another is asked."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from dispatch.billing import bulk_approvals, bulk_bookings, member_approvals
from dispatch.engine import bookings, offers
from dispatch.engine.tasks import Run
from dispatch.events import SYSTEM
from dispatch.services import Tx
from storage import booking_approvals as word_rows
from storage import bulk_bookings as rows
from storage import departments as department_rows
from storage import members as member_rows
from storage.database.pool import Conn


async def look(run: Run) -> None:
    """The task of members.LEFT: each approval in a transaction of its own."""
    member_id = UUID(run.task.payload["member_id"])
    async with run.services.read() as conn:
        bulks = await rows.waiting_for(conn, member_id=member_id)
        single = await word_rows.waiting_for(conn, member_id=member_id)
    for one in bulks:
        await run.services.retrying(partial(_bulk, bulk_id=one.id))
    for each in single:
        await run.services.retrying(partial(_booking, booking_id=each.id, organisation_id=each.organisation_id))


async def _bulk(tx: Tx, bulk_id: UUID) -> None:
    bulk = await rows.lock(tx.conn, id=bulk_id, organisation_id=None)
    assert bulk is not None, "bulk bookings stay"
    if bulk.status != "pending_approval" or await bulk_approvals.waits_for(tx.conn, bulk):
        return
    if any(a.decision for a in await bulk_approvals.words_of(tx.conn, bulk.id)):
        await bulk_bookings.agreed(tx, bulk)
        return
    asking = await member_rows.get(tx.conn, id=bulk.member_id, organisation_id=bulk.organisation_id)
    sums = await rows.sums(tx.conn, bulk_id=bulk.id)
    if asking is None or sums is None or sums.next_on is None:
        return
    asked = await _others(tx.conn, bulk.organisation_id, bulk.department_id, bulk.member_id)
    await rows.add_approvals(tx.conn, bulk_id=bulk.id, members=asked)
    total_minor = sums.visits * (bulk.price_minor + bulk.tax_minor)
    await bulk_approvals.write_to(tx, asked, asking, bulk.number, sums.next_on, total_minor, bulk.currency)


async def _booking(tx: Tx, booking_id: UUID, organisation_id: UUID) -> None:
    booking = await offers.lock(tx, booking_id)
    found = await word_rows.wanted(tx.conn, booking_id=booking_id, organisation_id=organisation_id)
    words = await member_approvals.words_of(tx.conn, booking_id)
    if found is None or not found.is_waiting or any(word.is_there and word.decision is None for word in words):
        return
    if any(word.decision for word in words):
        await bookings.approved(tx, booking_id, SYSTEM)
        return
    asking = await member_rows.get(tx.conn, id=found.member_id, organisation_id=organisation_id)
    if asking is None:
        return
    asked = await _others(tx.conn, organisation_id, found.department_id, found.member_id)
    await word_rows.ask(tx.conn, booking_id=booking_id, members=asked)
    await member_approvals.write_to(tx, booking, asking, asked)


async def _others(conn: Conn, organisation_id: UUID, department_id: UUID | None, asking: UUID) -> list[UUID]:
    """Who may decide now: those of the department, else one who does for the whole, if any."""
    # None as well where it was closed meanwhile.
    department = await department_rows.get(conn, id=department_id, organisation_id=organisation_id)
    own = department.approvers if department else ()
    return await bulk_approvals.deciders(conn, organisation_id, own, asking)
