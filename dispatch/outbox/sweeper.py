"""Sends the outbox: in order within a stream, with a lease, with backoff, never inside a transaction."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence

from dispatch import bus
from dispatch.bus import Hint
from dispatch.errors import DispatchError
from dispatch.live.counts import MESSAGES
from dispatch.live.together import Together
from dispatch.logs import REQUEST_ID, get_logger
from dispatch.loops import Loop
from dispatch.outbox import messages
from dispatch.ports.messages import Message, RecipientGone, Sender, SendFailed
from dispatch.services import Services
from dispatch.vault import vault_of
from storage import outbox as rows
from storage import push_tokens
from storage.database.pool import Conn

log = logging.getLogger(__name__)
lines = get_logger("dispatch.outbox")

POLL_S = 1.0
#: What comes within so long after a sweep, in real seconds, goes together with the next: a sweep costs the database as
#: much as ten of its messages.
GATHER_S = 0.05
#: How many of a channel are sent at once, and so are taken at once: the time of none runs while it waits for its turn.
#: Each letter is a connection to the relay.
AT_ONCE: Mapping[str, int] = {"sms": 50, "push": 50, "email": 5}
#: No sender may take longer than this; the lease is well above, so a slow one is not sent twice.
SEND_TIMEOUT_S = 15.0
LEASE_S = 60.0
#: The wait after each failed try; after the last one the row is dead.
DELAYS_S = (2.0, 10.0, 30.0, 120.0, 600.0)
JITTER = 0.25
#: Letters may come later: mail relays are away for longer, and what they carry keeps.
EMAIL_DELAYS_S = (*DELAYS_S, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0)
#: A code is worthless after this time, and sending it late would only confuse; a link says itself how long it works.
SECRET_LIFE_S = 300.0
_ERROR_CHARS = 300


class OutboxSweeper:
    """One per channel and node, any number of nodes. A message is sent at least once, in order within its stream.

    A channel has a sweep of its own, so that a code never waits for letters to a relay that hangs.
    """

    def __init__(self, services: Services, channel: str, sender: Sender) -> None:
        """`sender` sends what is of `channel`; rows of other channels are left alone."""
        self._services = services
        self._channel, self._sender = channel, sender
        #: What is sent at one time is written down by one statement.
        self._sent: Together[int, bool] = Together(self._write_sent)
        self._loop = Loop(f"outbox sweep of {channel}", self._round, every_s=POLL_S, gathers_s=GATHER_S)
        services.bus.subscribe(bus.OUTBOX_FILLED, self._filled)

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        """Ends the sweep; what was being sent is sent again by whoever comes next."""
        await self._loop.stop()

    async def run_once(self) -> int:
        """Sends what is due now, once. Returns how many rows were tried."""
        tried, _ = await self._send_due()
        return tried

    def _filled(self, hint: Hint) -> None:
        # A node of an earlier version does not say what was filled.
        if self._channel in hint.get("channels", (self._channel,)):
            self._loop.wake()

    async def _round(self) -> float | None:
        _, goes_on = await self._send_due()
        return 0.0 if goes_on else None

    async def _send_due(self) -> tuple[int, bool]:
        """How many rows were tried, and whether others may be due at once: what comes later says so itself."""
        most = AT_ONCE[self._channel]
        async with self._services.statement() as conn:
            due = await rows.claim(conn, channel=self._channel, lease_s=LEASE_S, limit=most)
        freed = await asyncio.gather(*(self._deliver(row) for row in due))
        return len(due), len(due) == most or any(freed)

    async def _deliver(self, row: rows.Claimed) -> bool:
        """Whether its stream may go on at once."""
        # Each is a task of its own, so it has a context of its own.
        REQUEST_ID.set(row.request_id or f"message-{row.id}")
        failure = await self._try(row)
        if failure is None:
            outcome, goes_on = "sent", bool(await self._sent(row.id))
        else:
            async with self._services.transaction() as tx:
                outcome = await self._failed(tx.conn, row, failure)
            goes_on = outcome == "given_up"
        MESSAGES.labels(self._channel, outcome).inc()
        lines.info(
            "message", id=row.id, channel=row.channel, template=row.template, attempt=row.attempts, outcome=outcome
        )
        return goes_on

    async def _try(self, row: rows.Claimed) -> SendFailed | None:
        try:
            settings = self._services.settings
            message = messages.opened(row, vault_of(settings), settings.brand)
            if row.is_secret and time.time() - row.created_at.timestamp() > _life_s(message):
                return SendFailed("too late: what is in it is no longer valid", is_permanent=True)
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._sender.send(message)
        except SendFailed as failure:
            return failure
        except TimeoutError:
            return SendFailed(f"no answer within {SEND_TIMEOUT_S:.0f} s")
        except DispatchError as error:
            return SendFailed(error.message, is_permanent=True)
        except Exception as error:
            # The text of an unknown error may repeat the message; its type says enough.
            log.error("sender %s broke on message %d: %s", row.channel, row.id, type(error).__name__)
            return SendFailed(f"the sender broke: {type(error).__name__}")
        return None

    async def _write_sent(self, ids: list[int]) -> dict[int, bool]:
        """Of each, whether another of its stream waits."""
        hides = messages.hides_secrets(self._services.settings, self._channel)
        sent = await self._services.retrying(lambda tx: rows.sent(tx.conn, ids=ids, erases_secret=hides))
        return {row.id: row.goes_on for row in sent}

    async def _failed(self, conn: Conn, row: rows.Claimed, failure: SendFailed) -> str:
        error = str(failure)[:_ERROR_CHARS]
        delays_s = EMAIL_DELAYS_S if row.channel == "email" else DELAYS_S
        if isinstance(failure, RecipientGone) and (token := row.data.get("token")):
            await push_tokens.drop(conn, token=token)
        if failure.is_permanent or row.attempts > len(delays_s):
            await rows.dead(conn, id=row.id, error=error)
            log.warning("message %d (%s) is given up, try %d: %s", row.id, row.template, row.attempts, error)
            return "given_up"
        delay_s = retry_delay_s(row.attempts, failure.retry_after_s, delays_s)
        await rows.retry(conn, id=row.id, error=error, delay_s=delay_s)
        return "failed"


def _life_s(secret: Message) -> float:
    return float(secret.params.get("hours", 0)) * 3600 or SECRET_LIFE_S


def retry_delay_s(attempt: int, retry_after_s: float | None = None, delays_s: Sequence[float] = DELAYS_S) -> float:
    """How long to wait after try `attempt` (from 1): jittered, never sooner than the provider asks."""
    base = delays_s[min(attempt, len(delays_s)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(base, min(retry_after_s or 0.0, delays_s[-1]))
