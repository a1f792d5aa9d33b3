"""A technician's reserved time: held for a preview or a booking, offered, accepted. The database keeps them apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dispatch.engine import queue
from dispatch.engine.candidates import Reachable
from dispatch.engine.free_times import Need, Rings, SlotTaken
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import days_off as day_rows
from storage import slots as rows
from storage.bookings import Booking
from storage.database.errors import StorageError, is_deadlock, is_exclusion

#: So many free technicians are tried before a time counts as taken.
TRIES = 25


@dataclass(frozen=True, slots=True)
class _Holder:
    """For whom a time is reserved: a preview for a while, or a booking, instead of what its preview held."""

    preview_id: UUID | None = None
    booking_id: UUID | None = None
    instead_of: UUID | None = None
    state: str = "held"
    expires_at: datetime | None = None


async def hold_preview(tx: Tx, preview_id: UUID, need: Need, starts_at: datetime, expires_at: datetime) -> None:
    """Keeps a time for the life of a preview, instead of what its customer held so far. Raises SlotTaken."""
    await rows.drop_holds(tx.conn, account_id=need.account_id)
    await _hold(tx, need, starts_at, _Holder(preview_id=preview_id, expires_at=expires_at))


async def hold_booking(tx: Tx, booking: Booking) -> None:
    """Gives a booking that has none an interval: the one its preview held, else any that is free. Raises SlotTaken."""
    if booking.preview_id is not None and await rows.preview_to_booking(
        tx.conn, booking_id=booking.id, preview_id=booking.preview_id, ends_at=booking.ends_at
    ):
        return
    holder = _Holder(booking_id=booking.id, instead_of=booking.preview_id)
    await _hold(tx, need_of(booking), booking.starts_at, holder)


async def take(tx: Tx, booking: Booking, found: Reachable, state: str) -> bool:
    """Gives a booking that has none this technician's time, instead of what its preview held. False: it is taken."""
    holder = _Holder(booking_id=booking.id, instead_of=booking.preview_id, state=state)
    return await _put(tx, found, need_of(booking), booking.starts_at, holder)


async def move(tx: Tx, booking: Booking, found: Reachable, state: str) -> bool:
    """Moves the booking's interval to a technician who is free then. False: they are not, and it stays where it was."""
    former = await rows.move_if_free(
        tx.conn, booking_id=booking.id, technician_id=found.technician.id, technician_no=found.technician.no,
        state=state, from_at=booking.starts_at - timedelta(seconds=found.travel_s), to_at=booking.ends_at,
    )  # fmt: skip
    _let_go(tx, former, found)
    return former is not None


def _let_go(tx: Tx, former: UUID | None, found: Reachable) -> None:
    """Whoever held the interval so far is free then, unless it is the same technician."""
    if former != found.technician.id:
        queue.freed(tx, former)


def need_of(booking: Booking) -> Need:
    minutes = int((booking.ends_at - booking.starts_at).total_seconds() // 60)
    return Need(
        booking.account_id, booking.lat, booking.lng, booking.zone_id, booking.timezone, minutes,
        tuple(booking.categories), tuple(booking.tiers),
    )  # fmt: skip


async def _hold(tx: Tx, need: Need, starts_at: datetime, holder: _Holder) -> None:
    """The nearest few are tried first, and more only when they were all taken. Raises SlotTaken."""
    left, around = TRIES, Rings(tx.conn, tx.services, need, starts_at, starts_at + need.duration)
    while left and (ring := await around.next()) is not None:
        for found in ring.at(starts_at)[:left]:
            left -= 1
            if await _put(tx, found, need, starts_at, holder):
                return
    raise SlotTaken()


async def _put(tx: Tx, found: Reachable, need: Need, starts_at: datetime, holder: _Holder) -> bool:
    """Reserves the technician's time if it is free. False: somebody was faster; nothing is raised, nothing is kept."""
    technician, ends_at = found.technician, starts_at + need.duration
    from_at = starts_at - timedelta(seconds=found.travel_s)
    while True:
        if await rows.insert_if_free(
            tx.conn, technician_id=technician.id, technician_no=technician.no, booking_id=holder.booking_id,
            preview_id=holder.preview_id, state=holder.state, from_at=from_at, to_at=ends_at,
            expires_at=holder.expires_at, instead_of=holder.instead_of,
        ):  # fmt: skip
            return True
        # What has run out, and what the customer holds without having booked it, is in nobody's way.
        if not await rows.drop_idle(
            tx.conn, technician_id=technician.id, from_at=from_at, to_at=ends_at, account_id=need.account_id
        ):
            return False


async def claim(tx: Tx, booking: Booking, found: Reachable, state: str, *, is_forced: bool = False) -> bool:
    """Moves the booking's interval to this technician; held intervals in the way go to others. False: impossible.

    Forced, a held interval that nobody else can take ends: its booking, or its preview, looks for another one.

    Who loses a deadlock here gives its savepoint's locks back and takes somebody else: the others go on.
    """
    try:
        async with tx.savepoint():
            await _place(tx, booking, found, state)
        return True
    except StorageError as e:
        if is_deadlock(e):
            return False
        if not is_exclusion(e):
            raise
    try:
        async with tx.savepoint():
            await _make_room(tx, booking, found, is_forced)
            await _place(tx, booking, found, state)
        return True
    except SlotTaken:
        return False
    except StorageError as e:
        if not (is_exclusion(e) or is_deadlock(e)):
            raise
        return False


async def _place(tx: Tx, booking: Booking, found: Reachable, state: str) -> None:
    # What moves within one technician's time refers to nobody anew.
    await day_rows.keep(tx.conn, technician_id=found.technician.id)
    from_at = booking.starts_at - timedelta(seconds=found.travel_s)
    await rows.drop_due(tx.conn, technician_id=found.technician.id, from_at=from_at, to_at=booking.ends_at)
    former = await rows.place_booking(
        tx.conn, technician_id=found.technician.id, technician_no=found.technician.no,
        booking_id=booking.id, state=state, from_at=from_at, to_at=booking.ends_at, instead_of=booking.preview_id,
    )  # fmt: skip
    _let_go(tx, former, found)


async def _make_room(tx: Tx, booking: Booking, found: Reachable, is_forced: bool) -> None:
    """Sends the merely held intervals of other bookings to other technicians. Raises SlotTaken when one can't go.

    Their bookings are not locked, so each interval is, and only while it is merely held: one that is being
    offered, or moved by somebody else at this moment, stays where it is.
    """
    from_at = booking.starts_at - timedelta(seconds=found.travel_s)
    # The booking's own interval goes first: somebody may need just the time that it frees.
    _let_go(tx, await rows.drop_booking(tx.conn, booking_id=booking.id), found)
    in_the_way = await rows.busy(tx.conn, ids=[found.technician.id], from_at=from_at, to_at=booking.ends_at)
    locked = await rows.lock_held(tx.conn, ids=[s.id for s in in_the_way])
    if is_forced:
        await rows.drop_held(tx.conn, ids=[s.id for s in in_the_way if s.booking_id is None])
        in_the_way = [s for s in in_the_way if s.booking_id is not None]
    if len(locked) < len(in_the_way):
        raise SlotTaken()
    for slot in locked:
        try:
            async with tx.savepoint():
                await _send_away(tx, slot)
        except SlotTaken:
            if not is_forced:
                raise
            await rows.drop_held(tx.conn, ids=[slot.id])


async def _send_away(tx: Tx, slot: rows.Slot) -> None:
    """Moves one locked, merely held interval to the nearest other technician who is free. Raises SlotTaken."""
    other = await booking_rows.get(tx.conn, booking_id=slot.booking_id)
    assert other is not None, "a slot's booking exists"
    left, around = TRIES, Rings(tx.conn, tx.services, need_of(other), other.starts_at, other.ends_at)
    while left and (ring := await around.next()) is not None:
        for found in ring.at(other.starts_at)[:left]:
            left -= 1
            if found.technician.id == slot.technician_id:
                continue
            try:
                async with tx.savepoint():
                    await _place(tx, other, found, "held")
                return
            except StorageError as e:
                # Two who insert in the same instant may wait for each other: the loser takes the next one.
                if not (is_exclusion(e) or is_deadlock(e)):
                    raise
    raise SlotTaken()
