"""A provider of messages for tests: it keeps what it is asked and answers as told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from dispatch.ports.messages import Message


def message(template: str = "otp_login", **params: Any) -> Message:
    return Message(1, "sms", "+911234567890", template, "123456 is your code", params, datetime.now(UTC))


class Provider:
    """Answers what it is told to and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[web.Request, Any]] = []
        self.answers: list[web.Response] = []
        self.tokens = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = dict(await request.post()) or orjson.loads(await request.read() or b"null")
        if request.path == "/token":
            self.tokens += 1
            self.asked.append((request, body))
            return web.json_response({"access_token": f"token-{self.tokens}", "expires_in": 3600})
        self.asked.append((request, body))
        return self.answers.pop(0) if self.answers else web.json_response({"type": "success"})
