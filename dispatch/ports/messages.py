"""What sends messages: the message, the Protocol, its failure, and the default that only keeps them for reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What a sender gets: the text, and the values in it for providers that fill templates themselves.

    `subject` is what stands above it where a channel has such a line.
    """

    id: int
    channel: str
    recipient: str
    template: str
    text: str
    params: dict[str, Any]
    created_at: datetime
    subject: str = ""


class SendFailed(Exception):
    """A try that did not succeed; `is_permanent` when another one would fail the same way.

    `answer` is what the provider said, where that was JSON.
    """

    def __init__(
        self, reason: str, *, is_permanent: bool = False, retry_after_s: float | None = None, answer: Any = None
    ) -> None:
        super().__init__(reason)
        self.is_permanent = is_permanent
        self.retry_after_s = retry_after_s
        self.answer = answer


class RecipientGone(SendFailed):
    """The provider no longer knows this recipient: nothing more is to be sent there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, is_permanent=True)


class Sender(Protocol):
    """Sends one message or raises SendFailed. It may be called twice for one message (`message.id` tells)."""

    async def send(self, message: Message) -> None: ...

    async def close(self) -> None: ...


class LocalOutbox:
    """The default: the row itself is the delivery, `dispatch outbox` shows it."""

    async def send(self, message: Message) -> None:
        return None

    async def close(self) -> None:
        return None
