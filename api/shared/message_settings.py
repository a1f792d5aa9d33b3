"""How somebody wants to be told, as customers and technicians say it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.wire.models import Body, View
from storage.message_settings import MessageSettings

Language = Literal["en", "hi", "bn"]
Switch = Annotated[bool, Field(strict=True)]


class MessageSettingsIn(Body):
    """What is named is changed. Codes and warnings about the account are sent whatever stands here."""

    sms: Switch | None = None
    email: Switch | None = None
    push: Switch | None = None
    language: Language | None = None


class MessageSettingsOut(View):
    sms: bool
    email: bool
    push: bool
    language: Language


def message_settings_out(row: MessageSettings) -> MessageSettingsOut:
    return MessageSettingsOut(sms=row.sms, email=row.email, push=row.push, language=row.language)
