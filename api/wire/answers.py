"""From what an endpoint returned or raised to an HTTP response: the only place that makes one."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel

from api.wire.dialects import Dialect, Problem
from api.wire.finished import Finished, FinishedBytes, can_finish
from api.wire.listing import Listing
from api.wire.results import Bare, File, Message, NoContent, Page, Ready, Reply, Whole
from dispatch.clock import Clock
from dispatch.errors import DispatchError, Kind

if TYPE_CHECKING:
    from datetime import datetime

#: Marks a response that is true just now only: no idempotency key keeps it.
FOR_NOW = web.ResponseKey("for_now", bool)
JSON = "application/json; charset=utf-8"
#: Finished answers that one route keeps: what is shown by currency and filters.
_MOST_READY = 256
#: Statuses of the few situations that are finer than their kind.
_STATUS_OF_CODE = {"unsupported_content_encoding": 415, "request_timeout": 408, "payload_too_large": 413}
_RETRY_S = 1.0
_MAX_NAMED = 20


def json_response(dialect: Dialect, status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=dialect.dumps(body), headers={"Content-Type": JSON, **(headers or {})})


# ---------------------------------------------------------------- errors


def error_response(error: DispatchError, dialect: Dialect, clock: Clock) -> web.Response:
    """A refusal in the caller's dialect."""
    problem = dialect.problem_of(error)
    headers: dict[str, str] = {}
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    retry_after_s = error.retry_after_s
    if retry_after_s is None and error.kind in (Kind.THROTTLED, Kind.UNAVAILABLE):
        retry_after_s = _RETRY_S
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    status = _STATUS_OF_CODE.get(error.code, problem.status)
    return json_response(dialect, status, dialect.error(problem, clock.now()), headers)


def problem_response(
    dialect: Dialect,
    clock: Clock,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An error that no DispatchError stands for: unknown paths, wrong methods, large bodies, our own bugs."""
    return json_response(dialect, status, dialect.error(Problem(status, code, message), clock.now()), headers)


# ---------------------------------------------------------------- success


class Renderer:
    """Renders one route's results."""

    def __init__(self, dialect: Dialect, status: int, page_key: str | None) -> None:
        self._dialect, self._status, self._page_key = dialect, status, page_key
        self._ready: dict[tuple[str, bool], FinishedBytes] = {}

    async def response(
        self,
        request: web.Request,
        result: Any,
        listing: Listing | None,
        clock: Clock,
        ignored: list[str],
        dialect: Dialect,
    ) -> web.StreamResponse:
        """The response to `result` in the caller's dialect; unknown names that were dropped are told in a header."""
        if isinstance(result, Ready):
            return self._of_ready(request, result, clock, ignored)
        if isinstance(result, File):
            return await _file_response(request, result, _told(ignored))
        if isinstance(result, Whole):
            return await _whole_response(request, result, dialect, _told(ignored))
        if isinstance(result, NoContent):
            return web.Response(status=204, headers=_told(ignored))
        response = self._json(request, result, listing, clock.now(), dialect)
        response.headers.update(_told(ignored))
        return response

    def _of_ready(
        self, request: web.Request, result: Ready[Any], clock: Clock, ignored: list[str]
    ) -> web.StreamResponse:
        is_known = request.method in ("GET", "HEAD") and _is_known(request, result.etag)
        key = (result.etag, is_known)
        kept = self._ready.get(key)
        if kept is None:
            headers = {"ETag": result.etag, **result.headers}
            if is_known:
                kept = FinishedBytes(304, headers, b"")
            else:
                body = self._dialect.dumps(self._dialect.success(result.make(), clock.now()))
                kept = FinishedBytes(self._status, {"Content-Type": JSON, **headers}, body)
            if len(self._ready) >= _MOST_READY:
                self._ready.clear()
            self._ready[key] = kept
        if can_finish(request) and not ignored:
            return Finished(kept)
        return web.Response(status=kept.status, body=kept.body or None, headers={**kept.headers, **_told(ignored)})

    def _json(
        self, request: web.Request, result: Any, listing: Listing | None, now: datetime, dialect: Dialect
    ) -> web.Response:
        status, headers = self._status, dict[str, str]()
        body: Any
        if isinstance(result, Page):
            body = self._page(result, listing, now, dialect)
        elif isinstance(result, Bare):
            body = result.body
        else:
            body = dialect.success(result, now)
            if isinstance(result, Reply):
                headers = dict(result.headers)
            if isinstance(result, Reply | Message) and result.status is not None:
                status = result.status
        response = json_response(dialect, status, body, headers)
        if isinstance(result, Reply) and not result.is_final:
            response[FOR_NOW] = True
        if "ETag" in headers and request.method in ("GET", "HEAD") and _is_known(request, headers["ETag"]):
            return web.Response(status=304, headers=headers)
        return response

    def _page(self, result: Page[Any], listing: Listing | None, now: datetime, dialect: Dialect) -> dict[str, Any]:
        number = result.page or (listing.page if listing else 1)
        limit = result.limit or (listing.limit if listing else max(len(result.items), 1))
        items: list[Any] = list(result.items)
        if listing is not None and listing.fields is not None:
            items = [listing.pick(i.model_dump(context=dialect) if isinstance(i, BaseModel) else i) for i in items]
        if result.key is None and self._page_key is not None:
            result = replace(result, key=self._page_key)
        return dialect.page(result, items, number, limit, now, listing.clamped_from if listing else None)


def _told(ignored: list[str]) -> dict[str, str]:
    """The header that names what meant nothing."""
    if not ignored:
        return {}
    named = [quote(name, safe="[].-_ ") for name in ignored[:_MAX_NAMED]]
    return {"X-Ignored-Fields": ", ".join(named)[:1000]}


def _is_known(request: web.Request, etag: str) -> bool:
    known = request.headers.get("If-None-Match")
    if not known:
        return False
    bare = etag.removeprefix("W/")
    return known.strip() == "*" or bare in [part.strip().removeprefix("W/") for part in known.split(",")]


class BrokenOff(Exception):
    """An answer has failed after its head went out: nothing can be said any more, only that it is not whole."""

    def __init__(self, response: web.StreamResponse) -> None:
        super().__init__("an answer broke off")
        self.response = response


async def _file_response(request: web.Request, file: File, told: Mapping[str, str]) -> web.StreamResponse:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in file.filename)
    place = "inline" if file.is_inline else "attachment"
    headers = {
        "Content-Type": file.content_type,
        "Content-Disposition": f"{place}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.filename)}",
        **file.headers,
        **told,
    }
    if isinstance(file.content, bytes):
        return web.Response(body=file.content, headers=headers)
    response = web.StreamResponse(headers=headers)
    response.content_length = file.size
    return await _sent(request, response, file.content)


async def _whole_response(
    request: web.Request, whole: Whole[Any], dialect: Dialect, told: Mapping[str, str]
) -> web.StreamResponse:
    """{success, data, total} as it comes: nothing but the batch at hand is in memory."""
    response = web.StreamResponse(headers={"Content-Type": JSON, **told})
    return await _sent(request, response, _whole_pieces(whole, dialect))


async def _whole_pieces(whole: Whole[Any], dialect: Dialect) -> AsyncGenerator[bytes, None]:
    before, total = b'{"success":true,"data":[', 0
    async with aclosing(whole.batches) as batches:
        async for batch in batches:
            yield before + b",".join(dialect.dumps(item) for item in batch)
            before, total = b",", total + len(batch)
    yield (b"" if total else before) + b'],"total":%d}' % total


async def _sent(
    request: web.Request, response: web.StreamResponse, content: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Sends an answer in pieces; to HEAD the head alone, for which the first piece is made. Raises BrokenOff.

    The first piece comes before the head goes out: whatever refuses it is still an answer of its own.
    """
    async with aclosing(content) as pieces:
        first = await anext(pieces, b"")
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof()
        except Exception as error:
            raise BrokenOff(response) from error
    return response
