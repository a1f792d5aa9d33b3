"""The undocumented names of aiohttp that our connections stand on, checked at start.

Whenever aiohttp is raised, read what has changed in RequestHandler.start (tests/api/edge/test_seams.py says that
something has) and tell Connection.start the same; then run tests/api/edge, and `./run bench rest` before and after.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http import HttpRequestParser, StreamWriter
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_urldispatcher import UrlMappingMatchInfo

_STATE = {
    "_buffer_paused", "_close", "_force_close", "_keepalive", "_keepalive_handle",
    "_keepalive_timeout", "_lingering_time", "_loop", "_manager", "_messages", "_msg_queue_resume_size",
    "_next_keepalive_close_time", "_parser", "_request_count", "_request_factory", "_request_handler",
    "_request_in_progress", "_task_handler", "_waiter", "transport",
}  # fmt: skip


def assert_seams() -> None:
    """Raises RuntimeError when a name has moved."""
    expected: dict[Callable[..., Any], list[str]] = {
        RequestHandler._handle_request: ["self", "request", "start_time", "request_handler"],
        RequestHandler._make_error_handler: ["self", "err_info"],
        RequestHandler._process_keepalive: ["self"],
        RequestHandler._resume_reading_if_drained: ["self"],
        RequestHandler.start: ["self"],
        UrlMappingMatchInfo.__init__: ["self", "match_dict", "route"],
        UrlMappingMatchInfo.add_app: ["self", "app"],
        web.Application._handle: ["self", "request"],
        StreamWriter.__init__: ["self", "protocol", "loop", "on_chunk_sent", "on_headers_sent"],
    }
    for function, parameters in expected.items():
        if list(inspect.signature(function).parameters) != parameters:
            raise RuntimeError(f"{function.__qualname__} is not as our connections expect")
    state = {name for kind in RequestHandler.__mro__ for name in getattr(kind, "__slots__", ())}
    if not (state >= _STATE and hasattr(HttpRequestParser, "message_consumed") and "_match_info" in web.Request.ATTRS):
        raise RuntimeError("aiohttp's connections do not keep what ours expect")
