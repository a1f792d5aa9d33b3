"""What this node's tracker learns of a job as it changes: at once, and not when its rows are read again."""

from __future__ import annotations

from uuid import UUID

from dispatch.services import Tx
from storage.bookings import Booking
from storage.offers import OpenJob

#: Assignments in these states are nobody's job any more.
_OVER = ("completed", "cancelled")


def moved(tx: Tx, booking: Booking, assignment_id: UUID, technician_id: UUID, state: str) -> None:
    """After the commit the tracker has the job in this state, so that the very next ping is judged by it."""
    tracker = tx.services.tracker
    if state in _OVER:
        tx.after_commit(lambda: tracker.forget_job(booking.id))
        return
    job = OpenJob(
        assignment_id, booking.id, technician_id, state, booking.account_id, booking.lat, booking.lng,
        booking.starts_at, booking.ends_at, booking.is_approximate,
    )  # fmt: skip
    tx.after_commit(lambda: tracker.learn_job(job))
