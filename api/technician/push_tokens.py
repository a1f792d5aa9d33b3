"""The apps of a technician that take pushes."""

from __future__ import annotations

from api.audiences import Technician, technician
from api.shared.push_tokens import PushTokenGone, PushTokenIn
from api.wire.results import Message
from dispatch.outbox import push_tokens
from dispatch.services import Services


@technician.route("PUT", "/push-tokens", tags=["notifications"])
async def register(services: Services, caller: Technician, body: PushTokenIn) -> Message:
    """Push to this app from now on, until it signs out.

    Example: {"token": "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1", "platform": "android"}
    """
    async with services.transaction() as tx:
        await push_tokens.register(tx, caller.session_id, body.token, body.platform, technician_id=caller.technician_id)
    return Message("Pushes go to this app.")


@technician.route("DELETE", "/push-tokens", tags=["notifications"])
async def forget(services: Services, caller: Technician, body: PushTokenGone) -> Message:
    """Push nothing more to this app; repeating it changes nothing."""
    async with services.transaction() as tx:
        await push_tokens.forget(tx, body.token, technician_id=caller.technician_id)
    return Message("Nothing more is pushed to this app.")
