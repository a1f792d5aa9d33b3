"""Sends what is due: signed, in order per endpoint and booking, with tries over a day, at least once under one id."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dispatch import bus, urls
from dispatch.engine import alerts
from dispatch.errors import DispatchError
from dispatch.live.counts import WEBHOOKS
from dispatch.logs import REQUEST_ID, get_logger
from dispatch.loops import Loop
from dispatch.outbox import messages
from dispatch.ports.webhooks import Answer, NoAnswer, Poster
from dispatch.services import Services, Tx
from dispatch.webhooks import deliveries, endpoints, payloads, signing
from dispatch.webhooks.events import PING
from dispatch.webhooks.lanes import Lanes
from storage import webhook_deliveries as rows
from storage import webhooks as endpoint_rows
from storage.webhook_deliveries import Claimed
from storage.webhooks import Endpoint

log = logging.getLogger(__name__)
lines = get_logger("dispatch.webhooks")

POLL_S = 1.0
#: The wait after each failed try, in seconds of the domain's time; after the last one the delivery has failed.
DELAYS_S = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0)
JITTER = 0.2
#: An endpoint that asks for a pause (Retry-After) is given so much of it at most, in seconds.
MOST_PAUSE_S = 3600.0
#: A try is over long before its lease is, in real seconds.
LEASE_S = 60.0
#: Without one success for so long an endpoint is switched off.
PATIENCE = timedelta(days=5)
#: An endpoint that has failed for so long and succeeds is well again: what waits for it, ten hours at most, goes at
#: once. Within less the first tries are made anyway.
RECOVERED_AFTER = timedelta(minutes=5)
#: Of what could not be delivered at all to an endpoint that goes on, its owner is told so often at most, in seconds of
#: the domain's time: one that refuses a kind of event refuses each of them.
TOLD_EVERY_S = 24 * 3600.0
GONE = 410
#: How an endpoint says that it is asked too much, also without saying for how long (Retry-After).
BUSY = 429
#: Outcomes that are written at once: what is left of the connections is for those who wait for an answer.
_SETTLING = 4
_ERROR_CHARS, _REPLY_CHARS, _READERS = 300, 500, 10

_WHY = {
    "gone": "it answered that it is gone (410)",
    "failing": "nothing could be delivered to it for five days",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended; `error` is None for a success."""

    status: int | None
    error: str | None
    reply: str | None
    duration_ms: int
    retry_after_s: float | None = None


class WebhookWorker:
    """One per node, any number of nodes."""

    def __init__(self, services: Services, poster: Poster) -> None:
        self._services = services
        self._poster = poster
        self._lanes = Lanes()
        self._running: set[asyncio.Task[None]] = set()
        self._settling = asyncio.Semaphore(_SETTLING)
        self._loop = Loop("webhooks", self._round, every_s=POLL_S)
        services.bus.subscribe(bus.WEBHOOKS_FILLED, lambda _hint: self._loop.wake())

    def start(self) -> None:
        self._loop.start()

    async def stop(self) -> None:
        """Ends it; what was being sent is sent again, under its id, by whoever comes next."""
        await self._loop.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._poster.close()

    async def begin_due(self) -> int:
        """Begins with what is due and has room now. Returns how many."""
        begun = 0
        for is_failing in (False, True):
            if not (free := self._lanes.free(is_failing)):
                continue
            rooms = self._lanes.rooms()
            async with self._services.statement() as conn:
                claimed = await rows.claim(
                    conn, endpoint_ids=list(rooms), rooms=list(rooms.values()), is_failing=is_failing, limit=free,
                    lease_s=LEASE_S,
                )  # fmt: skip
            for row in claimed:
                self._begin(row, is_failing)
            begun += len(claimed)
        return begun

    async def run_once(self) -> int:
        """Sends what is due and has room now, and waits for all of it. Returns how many were begun."""
        begun = await self.begin_due()
        await asyncio.gather(*self._running)
        return begun

    async def _round(self) -> float | None:
        await self.begin_due()
        return None

    def _begin(self, row: Claimed, is_failing: bool) -> None:
        self._lanes.begin(row.endpoint_id, is_failing)
        task = asyncio.create_task(self._deliver(row, is_failing), name="webhook")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, row: Claimed, is_failing: bool) -> None:
        is_success = False
        # A task of its own, so a context of its own.
        REQUEST_ID.set(row.request_id or f"webhook-{row.id}")
        try:
            outcome = await self._try(row)
            is_success = outcome.error is None
            lines.info(
                "webhook", delivery=str(row.id), endpoint=str(row.endpoint_id), type=row.type, attempt=row.attempts,
                status=outcome.status, ms=outcome.duration_ms, error=outcome.error,
            )  # fmt: skip
            WEBHOOKS.labels("delivered" if is_success else "failed").inc()
            async with self._settling:
                await self._services.retrying(lambda tx: _settle(tx, row, outcome))
        except Exception as error:
            # Its lease ends, and it is sent once more.
            log.warning("delivery %s was not settled: %s", row.id, error)
        finally:
            self._lanes.end(row.endpoint_id, is_failing, is_success)
            # What stood behind it may go now.
            self._loop.wake()

    async def _try(self, row: Claimed) -> Outcome:
        began = time.monotonic()
        try:
            answer = await self._post(row)
        except NoAnswer as failure:
            return Outcome(None, str(failure)[:_ERROR_CHARS], None, _ms_since(began))
        except DispatchError as error:
            log.error("delivery %s could not be signed: %s", row.id, error.message)
            return Outcome(None, error.message, None, _ms_since(began))
        except Exception as error:
            log.exception("posting delivery %s broke", row.id)
            return Outcome(None, f"Sending it broke ({type(error).__name__}).", None, _ms_since(began))
        error_text = None if answer.is_success else f"The endpoint answered {answer.status}."
        return Outcome(
            answer.status, error_text, answer.text[:_REPLY_CHARS], _ms_since(began), answer.retry_after_s
        )  # fmt: skip

    async def _post(self, row: Claimed) -> Answer:
        sealed = (row.secret_enc, row.previous_enc)
        settings = self._services.settings
        keys = [endpoints.opened_secret(settings, row.endpoint_id, one) for one in sealed if one is not None]
        body = payloads.body_of(row)
        # Receivers refuse what is five minutes old, by their own clocks: this is real time.
        headers = signing.headers(keys, payloads.message_id(row), datetime.now(UTC), body)
        return await self._poster.post(row.url, body.encode(), headers)


async def _settle(tx: Tx, row: Claimed, outcome: Outcome) -> None:
    """Writes how it went. The endpoint's row is locked before the delivery's, by everybody."""
    known = {"id": row.id, "attempt": row.attempts, "status": outcome.status, "error": outcome.error}
    off: Endpoint | None = None
    if outcome.error is None:
        failed_since = await endpoint_rows.succeeded(tx.conn, id=row.endpoint_id)
        if failed_since is not None and tx.now - failed_since >= RECOVERED_AFTER:
            await deliveries.hurry(tx, row.endpoint_id)
    else:
        off = await _failed(tx, row, outcome)
    await rows.tried(
        tx.conn, delivery_id=row.id, attempt=row.attempts, status=outcome.status, error=outcome.error,
        duration_ms=outcome.duration_ms, reply=outcome.reply,
    )  # fmt: skip
    if outcome.error is None:
        await rows.finish(tx.conn, state="delivered", **known)
    elif outcome.status == GONE or row.type == PING or row.tries > len(DELAYS_S):
        await rows.finish(tx.conn, state="failed", **known)
        if off is None and row.type != PING:
            await _tell_failed(tx, row, outcome.error)
    else:
        await rows.later(tx.conn, delay_s=retry_delay_s(row.tries, outcome.retry_after_s), **known)
    if off is not None:
        await rows.give_up(tx.conn, endpoint_id=off.id, error="The endpoint was switched off.")
        await _tell_off(tx, off)


async def _failed(tx: Tx, row: Claimed, outcome: Outcome) -> Endpoint | None:
    """Counts a failure against the endpoint, unless it was a test; the endpoint, when that has just switched it off."""
    since = None
    if row.type != PING:
        since = await endpoint_rows.failed(tx.conn, id=row.endpoint_id, pause_s=_pause_s(outcome))
    if outcome.status == GONE:
        return await endpoint_rows.disable(tx.conn, id=row.endpoint_id, reason="gone")
    if since is not None and tx.now - since >= PATIENCE:
        return await endpoint_rows.disable(tx.conn, id=row.endpoint_id, reason="failing")
    return None


async def _tell_off(tx: Tx, endpoint: Endpoint) -> None:
    """It was switched off."""
    why = _WHY[endpoint.disabled_reason or "failing"]
    log.warning("the webhook %s of %s is switched off: %s", endpoint.id, endpoint.owner_kind, why)
    await _tell_owner(tx, endpoint, endpoints.DISABLED, {"why": why})


async def _tell_failed(tx: Tx, row: Claimed, error: str) -> None:
    """An event will not arrive unless somebody sends it again."""
    endpoint = await endpoint_rows.tell_failed(tx.conn, id=row.endpoint_id, every_s=TOLD_EVERY_S)
    if endpoint is not None:
        params = {"event": row.type, "error": error, "tries": str(row.tries)}
        await _tell_owner(tx, endpoint, endpoints.FAILED, params)


async def _tell_owner(tx: Tx, endpoint: Endpoint, kind: str, params: Mapping[str, str]) -> None:
    """The people of the party by e-mail; the house, of its own endpoints, by an alert: both are named by `kind`."""
    params = {"url": urls.shown(endpoint.url), **params}
    if endpoint.owner_id is None:
        text = messages.TEMPLATES[kind].format_map(params)
        await alerts.raise_alert(tx, kind, text, subject=endpoints.alert_subject(endpoint.id))
        return
    for reader in await endpoint_rows.readers(tx.conn, owner_id=endpoint.owner_id, most=_READERS):
        await messages.enqueue(tx, "email", reader.address, kind, params)


def retry_delay_s(tries: int, retry_after_s: float | None = None) -> float:
    """How long to wait after so many tries (from 1), in seconds: jittered, and no less than the endpoint asks."""
    base = DELAYS_S[min(tries, len(DELAYS_S)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(base, min(retry_after_s or 0.0, MOST_PAUSE_S))


def _pause_s(outcome: Outcome) -> float | None:
    """For how long nothing is sent to an endpoint that answered so, in seconds; None where it asked for no pause.

    Were only this delivery to wait, all others that wait would be tried meanwhile, refused as well, and given up.
    """
    if outcome.status != BUSY and not outcome.retry_after_s:
        return None
    return min(max(outcome.retry_after_s or 0.0, DELAYS_S[0]), MOST_PAUSE_S)


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
