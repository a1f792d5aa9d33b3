"""For tests of webhooks: parties with endpoints, facts, and what waits for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.engine import facts
from dispatch.events import Actor
from dispatch.webhooks import endpoints
from dispatch.webhooks.endpoints import Made
from dispatch.webhooks.owners import PLATFORM, Owner
from storage.bookings import Booking
from storage.database.listing import Wanted
from storage.webhook_deliveries import Delivery
from storage.webhook_deliveries import of_owner as log_of_owner
from tests.parties import add_party
from tests.world import World

STAFF = Actor("admin", "1")
URL = "https://hooks.example.com/in"


@dataclass
class Hooks:
    world: World

    async def party(self, kind: str, code: str = "P-1") -> UUID:
        return await add_party(self.world.services, kind, code)

    async def endpoint(self, owner: Owner = PLATFORM, *events: str, url: str = URL, **kwargs: Any) -> Made:
        """An endpoint of the owner for these events, by default for new bookings."""
        async with self.world.services.transaction() as tx:
            return await endpoints.create(
                tx, owner, STAFF, url=url, events=events or ("booking.created",), **kwargs
            )  # fmt: skip

    async def customer_of(self, integration: Owner) -> UUID:
        """A customer for whom this app books."""
        account_id = await self.world.customer()
        await self.world.execute(
            "INSERT INTO integrations (id, slug, status, activated_at) VALUES ($1, $2, 'active', now())",
            integration.id, str(integration.id),
        )  # fmt: skip
        await self.world.execute(
            "INSERT INTO integration_customers VALUES ($1, $2, '+911234567890')", account_id, integration.id
        )
        return account_id

    async def book(self, **changes: Any) -> Booking:
        """A booking that waits for its timer, with somebody who could do it."""
        await self.world.technician()
        return await self.world.book(dispatch=False, **changes)

    async def happen(self, booking_id: UUID, *types: str, **data: Any) -> None:
        """Facts of a booking, by staff."""
        async with self.world.services.transaction() as tx:
            for fact_type in types:
                await facts.record(tx, booking_id, fact_type, STAFF, data)

    async def log(self, owner: Owner = PLATFORM, **filters: Any) -> list[Delivery]:
        """What was handed on to the owner, the oldest first."""
        async with self.world.services.read() as conn:
            page = await log_of_owner.page(
                conn, Wanted(limit=100, filters=filters), owner_kind=owner.kind, owner_id=owner.id, timezone="UTC"
            )
        return page.rows[::-1]
