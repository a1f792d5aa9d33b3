"""Web Push for the technician's page: the key that its browser subscribes with, and where pushes go then."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from api.audiences import Technician, technician
from api.wire.models import Body, View
from api.wire.results import Message
from dispatch.outbox import push_tokens
from dispatch.ports import web_push
from dispatch.ports.web_push import Subscription
from dispatch.services import Services

_Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PushKeyOut(View):
    """The public key to subscribe with; null where nothing is pushed to pages."""

    public_key: str | None


class PushKeysIn(Body):
    p256dh: _Key
    auth: _Key


class PushSubscriptionIn(Body):
    """A subscription as the browser gives it; send it at every start, it may have changed."""

    endpoint: Annotated[str, StringConstraints(min_length=10, max_length=1000, pattern=r"^https?://[!-~]+$")]
    keys: PushKeysIn


@technician.route("GET", "/push-subscriptions", tags=["notifications"])
async def push_key(services: Services, caller: Technician) -> PushKeyOut:
    """With which key a page subscribes to pushes."""
    push = services.settings.push
    key = push.private_key.get_secret_value()
    return PushKeyOut(public_key=web_push.public_key_of(key) if push.is_configured else None)


@technician.route("PUT", "/push-subscriptions", tags=["notifications"])
async def subscribe(services: Services, caller: Technician, body: PushSubscriptionIn) -> Message:
    """Push to this page from now on, until it signs out; `DELETE /push-tokens` with the endpoint ends it before.

    Example: {"endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk", "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}
    """
    page = Subscription(body.endpoint, body.keys.p256dh, body.keys.auth)
    async with services.transaction() as tx:
        await push_tokens.register_page(tx, caller.session_id, page, technician_id=caller.technician_id)
    return Message("Pushes go to this page.")
