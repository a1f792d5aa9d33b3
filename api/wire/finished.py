"""An answer that is finished before anybody asks: head and body are bytes, written with one call.

aiohttp's own way makes a mapping of headers, serialises it and joins it with the body for each request, which costs
more than everything that is left to do for such an answer. Pinned like the sockets' seams (see pyproject.toml).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http import HttpVersion11


class FinishedBytes:
    """What is kept of an answer: its own headers as lines, and its body."""

    __slots__ = ("body", "head", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        if status != HTTPStatus.NOT_MODIFIED:
            lines.append(f"Content-Length: {len(body)}")
        self.head = "\r\n".join([*lines, ""]).encode()


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


def can_finish(request: web.Request) -> bool:
    """Whether a request can be answered so: HTTP/1.1 only, whose connections stay open by themselves."""
    return request.version == HttpVersion11


_date: tuple[int, bytes] = (0, b"")


def _date_line() -> bytes:
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = now, f"Date: {formatdate(now, usegmt=True)}\r\n".encode()
    return _date[1]
