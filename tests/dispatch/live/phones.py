"""What a phone reports, and what is then known of its technician."""

from __future__ import annotations

from uuid import UUID

from dispatch.engine import candidates
from dispatch.live.reports import Report, Seen
from tests.world import KOLKATA, World

#: Degrees of latitude of one metre.
METRE = 1 / 111_195

LAT, LNG = KOLKATA


def fix(
    world: World, north_m: float = 0.0, *, late_s: float = 0.0, accuracy_m: float | None = 10.0
) -> list[float | None]:
    at_ms = int((world.services.clock.timestamp() - late_s) * 1000)
    return [at_ms, LAT + north_m * METRE, LNG, accuracy_m, None, None]


def report(
    world: World, technician_id: UUID, *fixes: list[float | None], sent_s: float | None = None, device: str = ""
) -> Report:
    """What the phone says; `sent_s` is its own clock when it sends, in seconds ahead of the server's."""
    sent_at_ms = None if sent_s is None else (world.services.clock.timestamp() + sent_s) * 1000
    return world.services.tracker.report(technician_id, fixes, sent_at_ms=sent_at_ms, device=device)


def seen(world: World, technician_id: UUID) -> Seen:
    found = world.services.tracker.find_by_id(technician_id)
    assert found is not None
    return found


async def matched(world: World) -> list[UUID]:
    """Who would get an offer for a job here that starts soon."""
    booking = await world.book(dispatch=False, hours=1.5)
    async with world.services.read() as conn:
        judged, _ = await candidates.judge(conn, world.services, booking, world.now)
    await world.execute("DELETE FROM slots")
    return [j.candidate.id for j in judged if j.reason is None]
