"""Sends what is queued, one after the other, signed, and again if nobody took it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from contextlib import suppress

import aiohttp

from dispatch.local_gateway.bank import Bank
from dispatch.local_gateway.store import Event

REPLY_WITHIN_S = 5.0
GIVE_UP_AFTER_S = 24 * 3600.0
MAX_PAUSE_S = 3600.0
_FORGER = "the secret of somebody else"


class Sender:
    """One task that sends webhooks and does what is due later. All but 2xx within 5 s is a failure."""

    def __init__(self, bank: Bank, secret: str, do_due: Callable[[], int]) -> None:
        self.secret = secret
        self.previous_secret = secret
        self.retry_s = 2.0  # the first pause; each further one is twice as long
        self._bank = bank
        self._do_due = do_due
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._busy = False

    async def start(self) -> None:
        self._bank.wake = self._wake.set
        self._task = asyncio.create_task(self._run(), name="gateway-sender")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def rotate(self, secret: str) -> None:
        """The old secret stays known, for retries and for the fault of that name."""
        self.previous_secret, self.secret = self.secret, secret

    def release(self, order: str) -> int:
        """Lets the held events go: in_order, reversed or shuffled. Returns how many."""
        held = self._bank.store.events("held")
        held.sort(key=lambda event: event.seq, reverse=order == "reversed")
        if order == "shuffled":
            self._bank.faults.shuffle(held)
        now = time.time()
        with self._bank.store.transaction():
            for n, event in enumerate(held):
                # The place in the row is in the due time, a microsecond apart.
                due_at = now + n * 1e-6
                self._bank.store.settle_event(event.seq, "queued", attempts=0, due_at=due_at, status=None)
        self._wake.set()
        return len(held)

    def quiet(self) -> bool:
        """Whether nothing is due now or under way."""
        event, job_at = self._bank.store.next_event(), self._bank.store.next_job_at()
        now = time.time()
        due = (event is not None and event.due_at <= now) or (job_at is not None and job_at <= now)
        return not due and not self._busy

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=REPLY_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            while True:
                self._wake.clear()
                self._do_due()
                event = self._bank.store.next_event()
                now = time.time()
                if event is not None and event.due_at <= now:
                    self._busy = True
                    await self._send(session, event)
                    self._busy = False
                    continue
                moments = [event.due_at if event else None, self._bank.store.next_job_at()]
                pause_s = min((m - now for m in moments if m is not None), default=MAX_PAUSE_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, pause_s)):
                        await self._wake.wait()

    async def _send(self, session: aiohttp.ClientSession, event: Event) -> None:
        status = await self._post(session, event)
        attempts, now = event.attempts + 1, time.time()
        due_at = now + min(self.retry_s * 2 ** min(attempts - 1, 20), MAX_PAUSE_S)
        state = "queued"
        if status is not None and 200 <= status < 300:
            state = "delivered"
        elif due_at - event.queued_at > GIVE_UP_AFTER_S:
            state = "failed"
        self._bank.store.settle_event(event.seq, state, attempts=attempts, due_at=due_at, status=status)

    async def _post(self, session: aiohttp.ClientSession, event: Event) -> int | None:
        secret = {"forged": _FORGER, "previous": self.previous_secret}.get(event.signed_with, self.secret)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Razorpay-Webhook/v1",
            "X-Razorpay-Signature": hmac.new(secret.encode(), event.body, hashlib.sha256).hexdigest(),
            "x-razorpay-event-id": event.event_id,
        }
        try:
            async with session.post(
                self._bank.webhook_url, data=event.body, headers=headers, allow_redirects=False
            ) as reply:
                return reply.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
