"""Online, offline, working hours: what technicians say of themselves."""

from __future__ import annotations

import contextlib
from datetime import datetime, time
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.errors import DispatchError, Invalid, Missing
from dispatch.services import Tx
from storage import roster as rows

#: The position that comes with a presence is stamped here: this clock is right.
SERVER_CLOCK = "server"


async def set_available(
    tx: Tx, technician_id: UUID, is_available: bool, position: tuple[float, float] | None = None
) -> datetime:
    """Goes online for offers, or offline; a position given with it counts as a ping. Returns the last-seen time."""
    seen_at = await rows.set_available(tx.conn, technician_id=technician_id, is_available=is_available)
    if seen_at is None:
        raise Missing("technician")
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    if position is not None:
        services, at_ms = tx.services, int(tx.now.timestamp() * 1000)
        tx.after_commit(lambda: _ping(services.tracker.report, technician_id, at_ms, position))
    return seen_at


def _ping(report: Any, technician_id: UUID, at_ms: int, position: tuple[float, float]) -> None:
    # The answer is about the presence: a position that cannot be taken just now does not spoil it.
    with contextlib.suppress(DispatchError):
        report(technician_id, [(at_ms, *position)], sent_at_ms=at_ms, device=SERVER_CLOCK)


async def set_working_hours(tx: Tx, technician_id: UUID, start: time, end: time, days: list[int]) -> dict[str, Any]:
    """Local working hours on ISO days. Raises Invalid."""
    problems: dict[str, str] = {}
    if start >= end:
        problems["working_hours.end"] = "This must be later than the start."
    if not days or set(days) - set(range(1, 8)):
        problems["working_hours.days"] = "Name at least one day, 1 (Monday) to 7 (Sunday)."
    if problems:
        raise Invalid(problems)
    hours = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "days": sorted(set(days))}
    if not await rows.set_working_hours(tx.conn, technician_id=technician_id, working_hours=hours):
        raise Missing("technician")
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    return hours
