"""One effect per key: claim first, repeat the stored answer, and never let two do the same work at once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson
from aiohttp import web

from api.wire.answers import FOR_NOW, error_response
from api.wire.dialects import Dialect
from dispatch.errors import Conflict, DispatchError, Invalid, Kind
from dispatch.services import Services, Tx
from storage import idempotency as rows
from storage.database.errors import StorageError
from storage.database.pool import Conn

log = logging.getLogger(__name__)

HEADER = "X-Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MIN_CHARS, MAX_CHARS = 16, 255
#: Whoever has not answered by then has died; the same request may then be tried again.
LEASE_S = 90
#: Of an answer, these headers are repeated with it.
_KEPT = ("Content-Type", "Location", "ETag", "Content-Disposition", "X-Ignored-Fields")


class KeyReused(Invalid):
    """This idempotency key was used for another request."""

    code = "idempotency_key_reused"


class StillRunning(Conflict):
    """A request with this idempotency key is being carried out; ask again shortly."""

    code = "request_in_progress"


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose key for what. A natural key (from the body) keeps good answers only: a bad body may be mended."""

    principal: str
    route: str
    key: str
    body_hash: bytes
    is_natural: bool


class Answer:
    """Lets an endpoint have its answer kept by the very transaction that makes it true: `answer: Answer`."""

    def __init__(self, render: Callable[[Any], Awaitable[web.StreamResponse]]) -> None:
        self._render = render
        self._store: Callable[[Tx, web.Response], Awaitable[None]] | None = None
        #: The response that was stored, if it was.
        self.kept: web.Response | None = None

    def belongs_to(self, store: Callable[[Tx, web.Response], Awaitable[None]]) -> None:
        """From now on the answer is stored under a claimed key."""
        self._store = store

    async def keep(self, tx: Tx, result: Any) -> None:
        """Stores the answer to `result` as part of `tx`. Without a key there is nothing to keep."""
        if self._store is None:
            return
        response = await self._render(result)
        if isinstance(response, web.Response):
            await self._store(tx, response)
            self.kept = response


def fingerprint(request: web.Request, body: Any) -> bytes:
    """A hash of what is asked: method, path, query and the JSON value (not its spelling)."""
    value = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    head = f"{request.method} {request.path_qs}\n".encode()
    return hashlib.sha256(head + value).digest()


def key_complaint(key: str | None, *, is_required: bool) -> str | None:
    """What is wrong with a given key."""
    if key is None:
        return "is required" if is_required else None
    if not MIN_CHARS <= len(key) <= MAX_CHARS or not key.isascii() or not key.isprintable():
        return f"must be {MIN_CHARS} to {MAX_CHARS} printable characters"
    return None


async def once(
    services: Services,
    claim: Claim,
    dialect: Dialect,
    effect: Callable[[], Awaitable[web.StreamResponse]],
    answer: Answer,
) -> web.StreamResponse:
    """Runs `effect` at most once per claim, or repeats its answer byte by byte.

    Kept are final 2xx and definitive 4xx answers; after one that is true for now only, a 429, a 5xx or a bug the
    claim is dropped, so that the same key may be tried again. Raises KeyReused and StillRunning.
    """
    name = {"principal": claim.principal, "route": claim.route, "key": claim.key}
    async with services.statement() as conn:
        lease = await rows.claim(conn, **name, body_hash=claim.body_hash, lease_s=LEASE_S)
        stored = None if lease else await rows.get(conn, **name)
    if lease is None:
        return _repeat(stored, claim)
    answer.belongs_to(lambda tx, response: _store(tx.conn, name, lease, response))
    try:
        response = await effect()
        if response is answer.kept:
            return response
    except DispatchError as error:
        if error.kind in (Kind.THROTTLED, Kind.UNAVAILABLE) or claim.is_natural:
            await _release(services, name, lease)
            raise
        response = error_response(error, dialect, services.clock)
    except Exception:
        await _release(services, name, lease)
        raise
    if _is_kept(response):
        await _finish(services, name, lease, response)
    else:
        await _release(services, name, lease)
    return response


def _is_kept(response: web.StreamResponse) -> TypeGuard[web.Response]:
    is_whole = isinstance(response, web.Response) and isinstance(response.body, bytes)
    return is_whole and response.status < 500 and FOR_NOW not in response


def _repeat(stored: rows.Stored | None, claim: Claim) -> web.Response:
    if stored is None:
        # Released between our two looks: the other one has failed, and the caller may try at once.
        raise StillRunning(retry_after_s=1)
    if stored.body_hash != claim.body_hash:
        if claim.is_natural:
            # Nobody sent a key: what the body names was asked for before, in other words.
            raise KeyReused(message="This was asked for before with other contents.")
        raise KeyReused({HEADER: "was used for another request"})
    if stored.state != "done" or stored.status is None:
        raise StillRunning(retry_after_s=min(stored.seconds_left, 2.0))
    return web.Response(
        status=stored.status, body=stored.response, headers={**(stored.headers or {}), REPLAYED: "true"}
    )


async def _store(conn: Conn, name: dict[str, str], lease: Any, response: web.Response) -> None:
    headers = {h: response.headers[h] for h in _KEPT if h in response.headers}
    await rows.finish(conn, **name, lease=lease, status=response.status, response=response.body, headers=headers)


async def _finish(services: Services, name: dict[str, str], lease: Any, response: web.Response) -> None:
    try:
        async with services.statement() as conn:
            await _store(conn, name, lease, response)
    except StorageError:
        # The work is done and committed: the caller hears so, and the claim ends by itself.
        log.warning("an idempotent answer could not be kept", exc_info=True)


async def _release(services: Services, name: dict[str, str], lease: Any) -> None:
    try:
        async with services.statement() as conn:
            await rows.release(conn, **name, lease=lease)
    except StorageError:
        log.warning("an idempotency claim could not be dropped; it ends by itself", exc_info=True)
