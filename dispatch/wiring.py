"""Who hears of which fact, and which loops run: two lists, read top to bottom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson

from dispatch.adapters.push import Fcm, ServiceAccount
from dispatch.adapters.senders import LocalOutbox, Sender
from dispatch.adapters.sms import Msg91, Twilio
from dispatch.billing import charges, earnings, promos
from dispatch.outbox import notifications
from dispatch.outbox.sweeper import OutboxSweeper

if TYPE_CHECKING:
    from dispatch.config import Settings
    from dispatch.services import Services


class Worker(Protocol):
    """A loop that is started and stopped with the process."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


def reactions_of(services: Services) -> None:
    """What else happens in the transaction of a fact, in this order: money first, then words about it."""
    for part in (charges, earnings, promos, notifications):
        part.register(services.reactions)


def workers_of(services: Services) -> list[Worker]:
    """The loops besides timers and tracking."""
    return [OutboxSweeper(services, senders_of(services.settings))]


def senders_of(settings: Settings) -> dict[str, Sender]:
    """What sends the messages of each channel. E-mail has no provider yet and stays in the outbox."""
    s = settings.senders
    sms: Sender = LocalOutbox()
    if s.sms == "twilio":
        sms = Twilio(s.twilio_sid, s.twilio_token.get_secret_value(), s.twilio_from)
    elif s.sms == "msg91":
        sms = Msg91(s.msg91_key.get_secret_value(), s.msg91_templates)
    push: Sender = LocalOutbox()
    if s.push == "fcm":
        account = orjson.loads(Path(s.fcm_credentials).read_bytes())
        push = Fcm(ServiceAccount(account["project_id"], account["client_email"], account["private_key"]))
    return {"sms": sms, "push": push, "email": LocalOutbox()}
