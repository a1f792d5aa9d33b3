"""Receivers of webhooks that answer as they are told to, and a worker that sends all that is due."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dispatch.ports.webhooks import Answer, NoAnswer
from dispatch.webhooks.worker import WebhookWorker

FACTS = ("booking.created", "booking.queued", "booking.rescheduled", "booking.cancelled")


@dataclass
class Sent:
    url: str
    body: dict[str, object]
    headers: Mapping[str, str]
    text: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receivers:
    """Takes what is posted and answers as it is told to."""

    got: list[Sent] = field(default_factory=list)
    answer: Callable[[Sent], Answer] = lambda _: Answer(200, "")
    hang: asyncio.Event | None = None
    hangs: set[str] = field(default_factory=set)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = Sent(url, json.loads(body), headers, body.decode())
        self.got.append(sent)
        if url in self.hangs and self.hang is not None:
            await self.hang.wait()
            raise NoAnswer("There was no answer within 15 seconds.")
        return self.answer(sent)

    async def close(self) -> None:
        return None

    @property
    def types(self) -> list[object]:
        return [sent.body["type"] for sent in self.got]


async def drain(worker: WebhookWorker) -> None:
    while await worker.run_once():
        pass
