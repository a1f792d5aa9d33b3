"""Times that are asked for and held."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from dispatch.engine import bookings, free_times, slots
from dispatch.engine.free_times import Need
from tests.world import KOLKATA, World

MONDAY = date(2026, 1, 5)


def need(world: World, account_id: UUID, minutes: int = 60, **changes: object) -> Need:
    values = {
        "account_id": account_id, "lat": KOLKATA[0], "lng": KOLKATA[1], "zone_id": world.zone_id,
        "timezone": world.timezone, "duration_minutes": minutes, "categories": ("Facial",), "tiers": ("Minimal",),
        **changes,
    }  # fmt: skip
    return Need(**values)  # type: ignore[arg-type]


async def free(world: World, wanted: Need, day: date = MONDAY) -> list[datetime]:
    async with world.services.read() as conn:
        return (await free_times.times(conn, world.services, wanted, day)).starts


async def preview(world: World, account_id: UUID, expires_in_s: float = 120) -> UUID:
    return UUID(
        str(
            await world.value(
                "INSERT INTO checkout_previews (account_id, items, duration_minutes, currency, timezone, "
                "subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor, expires_at) "
                "VALUES ($1, '[]', 60, 'INR', 'Asia/Kolkata', 0, 0, 0, 0, 0, $2) RETURNING id",
                account_id,
                world.now + timedelta(seconds=expires_in_s),
            )
        )
    )


async def hold(world: World, wanted: Need, starts_at: datetime, expires_in_s: float = 120) -> UUID:
    preview_id = await preview(world, wanted.account_id, expires_in_s)
    async with world.services.transaction() as tx:
        expires_at = world.now + timedelta(seconds=expires_in_s)
        await slots.hold_preview(tx, preview_id, wanted, starts_at, expires_at)
    return preview_id


async def book_at(world: World, starts_at: datetime, **changes: object) -> bookings.Booking:
    hours = (starts_at - world.now).total_seconds() / 3600
    return await world.book(dispatch=False, hours=hours, **changes)
