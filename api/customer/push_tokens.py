"""The apps of a customer that take pushes."""

from __future__ import annotations

from api.audiences import Customer, customer
from api.shared.push_tokens import PushTokenGone, PushTokenIn
from api.wire.results import Message
from dispatch.outbox import push_tokens
from dispatch.services import Services


@customer.route("PUT", "/push-tokens", tags=["notifications"])
async def register(services: Services, caller: Customer, body: PushTokenIn) -> Message:
    """Push to this app from now on, until it signs out.

    Example: {"token": "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1", "platform": "android"}
    """
    async with services.transaction() as tx:
        await push_tokens.register(tx, caller.session_id, body.token, body.platform, account_id=caller.account_id)
    return Message("Pushes go to this app.")


@customer.route("DELETE", "/push-tokens", tags=["notifications"])
async def forget(services: Services, caller: Customer, body: PushTokenGone) -> Message:
    """Push nothing more to this app; repeating it changes nothing."""
    async with services.transaction() as tx:
        await push_tokens.forget(tx, body.token, account_id=caller.account_id)
    return Message("Nothing more is pushed to this app.")
