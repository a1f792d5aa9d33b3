"""A small world for tests: services on a real database with a frozen clock, and rows made by sentence."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from dispatch import bus
from dispatch.billing import charges
from dispatch.bus import LocalBus
from dispatch.clock import Reading
from dispatch.config import Settings
from dispatch.engine import bookings, offers
from dispatch.engine.bookings import NewBooking, NewItem
from dispatch.engine.timers import Sweeper
from dispatch.engine.vicinity import Vicinity
from dispatch.process import runtime
from dispatch.services import Services
from storage.bookings import Booking
from storage.bookings import get as get_booking
from storage.database.pool import Pool

#: A Monday, ten in the morning in Kolkata: everybody works.
NOON = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)
KOLKATA = (22.5726, 88.3639)
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[88.2, 22.4], [88.6, 22.4], [88.6, 22.8], [88.2, 22.8], [88.2, 22.4]]],
}

ADDRESS = {"address_line1": "1 Test Street", "city": "Kolkata", "state": "West Bengal", "pincode": "700001"}

_numbers = itertools.count(1)


@dataclass
class World:
    """Rows by sentence, time by hand. Everything really commits."""

    services: Services
    zone_id: UUID
    service_ids: dict[str, UUID] = field(default_factory=dict)
    timezone: str = "Asia/Kolkata"
    currency: str = "INR"

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    async def advance(self, **by: float) -> None:
        """Moves the domain's time (it stands still otherwise)."""
        await runtime.set_clock(self.services, self.services.clock.shifted(timedelta(**by)))

    async def sweep(self) -> int:
        """Sees who has come near, and does all that is due now."""
        await Vicinity(self.services).look()
        return await Sweeper(self.services).sweep()

    async def execute(self, sql: str, *values: Any) -> str:
        async with self.services.transaction() as tx:
            return await tx.conn.execute(sql, *values)

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        async with self.services.read() as conn:
            return await conn.fetch(sql, *values)

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.services.read() as conn:
            return await conn.fetchval(sql, *values)

    async def customer(self, name: str = "A customer") -> UUID:
        return await self.value(
            "INSERT INTO accounts (phone, name, is_verified) VALUES ($1, $2, true) RETURNING id",
            f"+9110002{next(_numbers):05d}", name,
        )  # fmt: skip

    async def technician(
        self, *, km_north: float = 1.0, categories: tuple[str, ...] = ("Facial",), seen: bool = True, **columns: Any
    ) -> UUID:
        """A verified one with a base so far north of the centre, who has just been seen there."""
        n = next(_numbers)
        lat, lng = KOLKATA[0] + km_north / 111.195, KOLKATA[1]
        async with self.services.transaction() as tx:
            technician_id = await tx.conn.fetchval(
                "INSERT INTO parties (kind, code, name, phone) VALUES ('technician', $1, $2, $3) RETURNING id",
                f"PT-{n:03d}", f"Technician {n}", f"+9110003{n:05d}",
            )  # fmt: skip
            values = {
                "categories": list(categories), "tiers": ["Minimal"], "base_lat": lat, "base_lng": lng,
                "zone_id": self.zone_id, "onboarding_status": "verified", "idle_since": self.now, **columns,
            }  # fmt: skip
            names = ", ".join(values)
            marks = ", ".join(f"${i}" for i in range(2, len(values) + 2))
            await tx.conn.execute(
                f"INSERT INTO technicians (id, {names}) VALUES ($1, {marks})", technician_id, *values.values()
            )
        await self.services.roster.refresh([technician_id])
        if seen:
            self.see(technician_id, lat, lng)
        return technician_id

    def see(self, technician_id: UUID, lat: float, lng: float, accuracy_m: float = 10.0) -> Any:
        """The technician reports where they are, now."""
        at_ms = int(self.services.clock.timestamp() * 1000)
        return self.services.tracker.report(technician_id, [(at_ms, lat, lng, accuracy_m, None, None)])

    def in_hours(self, hours: float) -> datetime:
        return self.now + timedelta(hours=hours)

    def new_booking(
        self, account_id: UUID, *, hours: float = 1.5, total_minor: int = 177120, **changes: Any
    ) -> NewBooking:
        starts_at = self.in_hours(hours)
        local = starts_at.astimezone(ZoneInfo(self.timezone))
        item = NewItem(self.service_ids["Facial"], "Facial - Minimal", "Facial", "Minimal", 1, 60, 200000, 160000)
        values: dict[str, Any] = {
            "number": f"BK-20260105-{next(_numbers):06d}", "account_id": account_id, "preview_id": None,
            "address_id": None, "address": ADDRESS,
            "contact": {"name": "A customer", "phone": "+911234567890"}, "zone_id": self.zone_id, "lat": KOLKATA[0],
            "lng": KOLKATA[1], "is_approximate": False, "timezone": self.timezone, "local_date": local.date(),
            "local_time": local.time(), "starts_at": starts_at, "duration_minutes": 60, "items": (item,),
            "payment_method": "cash", "currency": self.currency, "subtotal_minor": 200000, "savings_minor": 40000,
            "discount_minor": 16000, "tax_minor": 33120, "grand_total_minor": total_minor, "promo_code_id": None,
            "policy_accepted": True, "wait_for_payment": False, **changes,
        }  # fmt: skip
        if values["payment_method"] == "account":
            values.setdefault("billed_to", values.get("organisation_id"))
        return NewBooking(**values)

    async def book(
        self, account_id: UUID | None = None, *, dispatch: bool = True, use_wallet: bool = False, **changes: Any
    ) -> Booking:
        """A cash booking in ninety minutes, dispatched at once."""
        account_id = account_id or await self.customer()
        async with self.services.transaction() as tx:
            booking = await bookings.open_booking(tx, self.new_booking(account_id, **changes))
            if booking.payment_method == "cash" or use_wallet:
                await charges.open_payment(tx, booking, use_wallet=use_wallet)
        if not dispatch and booking.next_action == "dispatch":
            # As if whoever opened it had died: the timer has it now.
            await self.execute("UPDATE bookings SET next_action_at = app_now() WHERE id = $1", booking.id)
            booking = await self.booking(booking.id)
        if dispatch:
            booking = await offers.dispatch_now(self.services, booking.id)
        return booking

    async def booking(self, booking_id: UUID) -> Booking:
        async with self.services.read() as conn:
            found = await get_booking(conn, booking_id=booking_id)
        assert found is not None
        return found

    async def accept(self, booking_id: UUID, technician_id: UUID) -> Booking:
        async with self.services.transaction() as tx:
            offer = await offers.offer_of(tx, technician_id, booking_id=booking_id)
            return await offers.accept(tx, technician_id, offer)

    async def reject(self, booking_id: UUID, technician_id: UUID, reason: str | None = None) -> Booking:
        async with self.services.transaction() as tx:
            offer = await offers.offer_of(tx, technician_id, booking_id=booking_id)
            return await offers.reject(tx, technician_id, offer, reason)

    async def open_offer(self, booking_id: UUID) -> Any:
        rows = await self.fetch("SELECT * FROM offers WHERE booking_id = $1 AND state = 'open'", booking_id)
        return rows[0] if rows else None

    async def facts(self, booking_id: UUID) -> list[str]:
        rows = await self.fetch("SELECT type FROM booking_events WHERE booking_id = $1 ORDER BY seq", booking_id)
        return [r["type"] for r in rows]


class GivenSettings(Settings):
    """What a test says and nothing else: reading the environment takes a third of making a world."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def test_settings(folder: Path, **changes: Any) -> Settings:
    return GivenSettings(**{"env": "test", "data": folder, **changes})


async def make_world(
    pool: Pool, folder: Path, *, now: datetime = NOON, timezone: str = "Asia/Kolkata", currency: str = "INR",
    **changes: Any,
) -> World:  # fmt: skip
    """Services without loops, on a database with one zone and one service; time stands still at `now`."""
    async with pool.connection() as conn:
        zone_id = await conn.fetchval(
            "INSERT INTO zones (code, name, city, boundary, centre_lat, centre_lng, timezone, currency) "
            "VALUES ($1, 'Kolkata', 'Kolkata', $2, $3, $4, $5, $6) RETURNING id",
            f"test-{next(_numbers)}", SQUARE, *KOLKATA, timezone, currency,
        )  # fmt: skip
        service_id = await conn.fetchval(
            "INSERT INTO services (name, category, service_type, tier) "
            "VALUES ('Facial - Minimal', 'Facial', 'Facial', 'Minimal') RETURNING id"
        )
        await conn.execute("INSERT INTO service_prices VALUES ($1, $2, 160000, 200000)", service_id, currency)
    services = await runtime.assemble(test_settings(folder, **changes), pool, LocalBus())
    await runtime.set_clock(services, Reading(0.0, now.timestamp(), 0.0))
    return World(services, zone_id, {"Facial": service_id}, timezone, currency)


test_settings.__test__ = False  # type: ignore[attr-defined]

__all__ = ["KOLKATA", "NOON", "World", "bus", "make_world", "test_settings"]
