"""How a technician wants to be told: SMS, e-mail, push, and in which language."""

from __future__ import annotations

from api.audiences import Technician, technician
from api.shared.message_settings import MessageSettingsIn, MessageSettingsOut, message_settings_out
from dispatch.outbox import message_settings
from dispatch.services import Services


@technician.route("GET", "/notifications/preferences", tags=["notifications"])
async def preferences(services: Services, caller: Technician) -> MessageSettingsOut:
    """By which channels I am told, besides the app, and in which language."""
    async with services.read() as conn:
        return message_settings_out(await message_settings.get(conn, technician_id=caller.technician_id))


@technician.route("PATCH", "/notifications/preferences", tags=["notifications"])
async def prefer(services: Services, caller: Technician, body: MessageSettingsIn) -> MessageSettingsOut:
    """Change it, for what I am told from now on.

    Example: {"sms": false, "language": "hi"}
    """
    async with services.transaction() as tx:
        return message_settings_out(
            await message_settings.change(tx, technician_id=caller.technician_id, **body.model_dump())
        )
