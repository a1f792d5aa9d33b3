"""How a customer wants to be told: SMS, e-mail, push, and in which language."""

from __future__ import annotations

from api.audiences import Customer, customer
from api.shared.message_settings import MessageSettingsIn, MessageSettingsOut, message_settings_out
from dispatch.outbox import message_settings
from dispatch.services import Services


@customer.route("GET", "/notifications/preferences", tags=["notifications"])
async def preferences(services: Services, caller: Customer) -> MessageSettingsOut:
    """By which channels I am told, besides the app, and in which language."""
    async with services.read() as conn:
        return message_settings_out(await message_settings.get(conn, account_id=caller.account_id))


@customer.route("PATCH", "/notifications/preferences", tags=["notifications"])
async def prefer(services: Services, caller: Customer, body: MessageSettingsIn) -> MessageSettingsOut:
    """Change it, for what I am told from now on.

    Example: {"sms": false, "language": "hi"}
    """
    async with services.transaction() as tx:
        return message_settings_out(
            await message_settings.change(tx, account_id=caller.account_id, **body.model_dump())
        )
