"""A whole answer: head and body are bytes, written with one call. Some are finished before anybody asks.

aiohttp's own way asks at every step what kind of answer it may be, which costs more than everything that is left to
do for such an answer. Pinned like the sockets' seams (see pyproject.toml).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeGuard

from aiohttp import hdrs, web
from aiohttp.helpers import must_be_empty_body
from aiohttp.http import HttpVersion11
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict


class FinishedBytes:
    """What is kept of an answer: its own headers as lines, and its body."""

    __slots__ = ("body", "head", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ValueError for a header that would end its line."""
        self.status, self.headers, self.body = status, headers, body
        lines = CIMultiDict(headers)
        if status != HTTPStatus.NOT_MODIFIED:
            lines[hdrs.CONTENT_LENGTH] = str(len(body))
        self.head = _serialize_headers(_status_line(status), lines)[:-2]


class Finished(web.StreamResponse):
    """Writes finished bytes. `more` are the lines that only this request's answer has; each ends with CRLF."""

    def __init__(self, kept: FinishedBytes) -> None:
        super().__init__(status=kept.status)
        self._kept = kept
        self._is_sent = False
        self.more = b""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing goes out before the end."""
        self._req = request
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive

    async def write_eof(self, data: bytes = b"") -> None:
        request: Any = self._req
        if self._is_sent or request is None:
            return
        self._is_sent = self._eof_sent = True
        protocol = request.protocol
        if protocol.transport is None or protocol.transport.is_closing():
            raise ConnectionResetError("gone before its answer")
        closing = b"" if self._keep_alive else b"Connection: close\r\n"
        body = b"" if request.method == "HEAD" else self._kept.body
        protocol.transport.write(b"".join((self._kept.head, self.more, _date_line(), closing, b"\r\n", body)))
        if protocol.writing_paused:
            # Who asks and does not read waits here, and nobody else.
            await protocol._drain_helper()


def is_whole(response: web.StreamResponse, request: web.BaseRequest) -> TypeGuard[web.Response]:
    """Whether an answer can be written so: it has a body of bytes, which goes out as it is, and sets no cookies."""
    return (
        type(response) is web.Response
        and type(response.body) is bytes
        and len(response.body) > 0
        and not must_be_empty_body("", response.status)
        and not (response.prepared or response.compression or response.chunked or response._cookies)
        and can_finish(request)
    )


def finished_of(response: web.Response) -> Finished:
    """The same answer, written at once; it `is_whole`, and has all its headers."""
    assert isinstance(response.body, bytes), "it is whole"
    response.headers.setdefault(hdrs.CONTENT_TYPE, "application/octet-stream")
    made = Finished(FinishedBytes(response.status, response.headers, response.body))
    made._keep_alive = response.keep_alive
    return made


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"


def can_finish(request: web.BaseRequest) -> bool:
    """Whether a request can be answered so: HTTP/1.1 only, whose connections stay open by themselves."""
    return request.version == HttpVersion11


_date: tuple[int, bytes] = (0, b"")


def _date_line() -> bytes:
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = now, f"Date: {formatdate(now, usegmt=True)}\r\n".encode()
    return _date[1]
