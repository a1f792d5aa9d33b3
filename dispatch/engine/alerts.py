"""What staff must look at: raised once while it is open, told to the boards at once, resolved with its cause."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from dispatch import bus
from dispatch.engine import audit
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import alerts as rows
from storage.alerts import AlertView
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn


async def raise_alert(
    tx: Tx,
    kind: str,
    message: str,
    *,
    booking_id: UUID | None = None,
    technician_id: UUID | None = None,
    subject: str | None = None,
) -> bool:
    """Tells staff, once for (kind, booking, subject) while it is open. False: they know already.

    `subject` names what it is about where a booking may have several of them, or where there is no booking.
    """
    is_new = await rows.raise_alert(
        tx.conn, kind=kind, booking_id=booking_id, technician_id=technician_id, subject=subject, message=message
    )
    if is_new:
        tx.hint(bus.ALERT_RAISED, {"kind": kind, "booking_id": str(booking_id) if booking_id else None})
    return bool(is_new)


async def resolve(tx: Tx, kinds: Iterable[str], *, booking_id: UUID | None = None, subject: str | None = None) -> None:
    """What they were about is settled: of a booking all of these kinds, of a subject its own."""
    if booking_id is not None:
        await rows.resolve_of_booking(tx.conn, booking_id=booking_id, kinds=list(kinds))
    if subject is not None:
        await rows.resolve_of_subject(tx.conn, subject=subject, kinds=list(kinds))


async def resolve_old(tx: Tx, kinds: Iterable[str], *, hours: int) -> None:
    """What was raised so long ago is over, for kinds that are raised again and again while they last."""
    await rows.resolve_old(tx.conn, kinds=list(kinds), hours=hours)


async def page(conn: Conn, wanted: Wanted, timezone: str) -> Slice[AlertView]:
    return await rows.everything.page(conn, wanted, timezone=timezone)


async def get(conn: Conn, alert_id: UUID) -> AlertView:
    """Raises Missing."""
    found = await rows.get(conn, id=alert_id)
    if found is None:
        raise Missing("alert")
    return found


async def close(tx: Tx, alert_id: UUID) -> bool:
    """This one is settled. False: it was so already."""
    return bool(await rows.resolve_one(tx.conn, id=alert_id))


async def resolve_by(tx: Tx, actor: Actor, alert_id: UUID, note: str | None) -> AlertView:
    """Somebody of the house says that it is settled; once more is the same. Raises Missing."""
    if await rows.resolve_one(tx.conn, id=alert_id):
        changes = {"status": {"old": "open", "new": "resolved"}, "note": note}
        await audit.record(tx, actor, "resolve_alert", "alert", alert_id, changes)
    return await get(tx.conn, alert_id)
