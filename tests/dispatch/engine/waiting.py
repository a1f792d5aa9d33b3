"""Bookings that wait for a fact to change, and hours that let somebody take them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.world import KOLKATA, World

AROUND_THE_CLOCK = {"start": "00:00", "end": "24:00", "days": [1, 2, 3, 4, 5, 6, 7]}
NIGHTS = {"start": "22:00", "end": "23:00", "days": [1, 2, 3, 4, 5, 6, 7]}


async def waiting_copies(world: World, count: int, *, hours: float, step_s: float, **columns: Any) -> list[UUID]:
    """So many bookings that wait for a fact to change, the last to start made first."""
    me = await world.customer()
    found = await world.fetch(
        """
        INSERT INTO bookings (number, account_id, address, zone_id, lat, lng, timezone, local_date, local_time,
          starts_at, ends_at, categories, tiers, payment_method, currency, subtotal_minor, savings_minor,
          discount_minor, tax_minor, grand_total_minor, priority, looks, queued_at, queue_reason, next_action,
          next_action_at)
        SELECT 'W-' || $8 || n, $1, '{}', $2, $3, $4, 'Asia/Kolkata', app_now()::date, '12:00', starts,
          starts + interval '20 minutes', '{Facial}', '{Minimal}', 'cash', 'INR', 0, 0, 0, 0, 0, $7, 1,
          app_now() - make_interval(secs => n), 'no_candidate', 'start', starts
        FROM (
          SELECT n, app_now() + make_interval(secs => ($5::float8 + n * $6::float8)) AS starts
          FROM generate_series($9::int, 1, -1) n) x
        RETURNING id, starts_at
        """,
        me, world.zone_id, *KOLKATA, hours * 3600, step_s, columns.get("priority", 0), columns.get("stem", ""), count,
    )  # fmt: skip
    return [r["id"] for r in sorted(found, key=lambda r: r["starts_at"])]
