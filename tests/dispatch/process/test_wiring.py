"""Which loops run: what must not wait for one another is swept apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from dispatch.outbox import messages
from dispatch.outbox.sweeper import AT_ONCE, OutboxSweeper
from dispatch.ports.messages import Message, Sender
from dispatch.process import wiring
from tests.identity import PHONE
from tests.world import World


class Gate:
    """A sender that says when it is asked, and answers when it is opened."""

    def __init__(self, *, is_open: bool) -> None:
        self.asked, self.opened = asyncio.Event(), asyncio.Event()
        if is_open:
            self.opened.set()

    async def send(self, message: Message) -> None:
        self.asked.set()
        await self.opened.wait()

    async def close(self) -> None:
        return None


async def test_a_code_leaves_while_the_mail_relay_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    services = world.services
    by: Mapping[str, Gate] = {"sms": Gate(is_open=True), "push": Gate(is_open=True), "email": Gate(is_open=False)}

    def chosen(_settings: object) -> Mapping[str, Sender]:
        return by

    monkeypatch.setattr(wiring.senders, "of", chosen)
    sweeps = [worker for worker in wiring.workers_of(services) if isinstance(worker, OutboxSweeper)]
    for sweep in sweeps:
        sweep.start()
    try:
        async with services.transaction() as tx:
            for n in range(AT_ONCE["email"] + 1):
                await messages.enqueue(tx, "email", f"{n}@example.com", "password_changed", {})
        async with asyncio.timeout(60):
            await by["email"].asked.wait()
            async with services.transaction() as tx:
                code = {"code": "123456", "minutes": 5}
                await messages.enqueue(tx, "sms", PHONE, "otp_login", code, is_secret=True)
            await by["sms"].asked.wait()
        letters = await world.fetch("SELECT state, attempts, error FROM outbox WHERE channel = 'email' ORDER BY id")
        assert {(r["state"], r["error"]) for r in letters} == {("pending", None)}, "no letter has come to an end yet"
        assert [r["attempts"] for r in letters] == [1] * AT_ONCE["email"] + [0], "nor runs the time of one that waits"
    finally:
        by["email"].opened.set()
        for sweep in sweeps:
            await sweep.stop()
