"""Customers who have signed in, and what they were told."""

from __future__ import annotations

from uuid import UUID

from dispatch.parties import customers
from dispatch.parties.customers import SignedIn
from dispatch.services import Services
from tests.identity import PHONE, send_code


async def sign_in(services: Services, phone: str = PHONE) -> SignedIn:
    return await customers.sign_in(services, phone, await send_code(services, phone), ip="192.0.2.9")


async def stepped_up(services: Services, phone: str = PHONE) -> str:
    code = await send_code(services, phone, "reset_password")
    return (await customers.confirm_step_up(services, phone, code))[1]


async def notify(services: Services, account_id: UUID, title: str = "Booking Confirmed") -> UUID:
    async with services.transaction() as tx:
        return UUID(
            str(
                await tx.conn.fetchval(
                    "INSERT INTO notifications (account_id, type, title, message) "
                    "VALUES ($1, 'booking_confirmed', $2, 'CANARY MESSAGE') RETURNING id",
                    account_id,
                    title,
                )  # fmt: skip
            )
        )
