"""Structured logs: one JSON object a line, with the request's id, and without tokens, phones or bodies.

A line that is not written costs one look at its level, and one that is written a few microseconds: every request
leaves one.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
#: The request that is being answered; its lines carry the id.
REQUEST_ID: ContextVar[str | None] = ContextVar("dispatch_request_id", default=None)

@contextmanager
def answering(request_id: str) -> Iterator[None]:
    """What happens in this block happens for that request."""
    token = REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        REQUEST_ID.reset(token)


#: Told of every error that a logger of ours writes, its secrets blanked, while its exception is being handled.
Reporter = Callable[[EventDict], None]


def report_errors(to: Reporter | None) -> None:
    """From now on `to` hears of errors, too: a service that collects them."""
    global _reporter
    _reporter = to


#: Names whose values are never written.
_SECRET = re.compile(
    r"token|authorization|password|passwd|secret|otp|code_hash|phone|aadhaar|account_number|card|cvv|signature"
    r"|api.?key|cookie|credential|private|dsn|start_code",
    re.IGNORECASE,
)
#: What is a secret by its looks, wherever it turns up in a text: signed tokens, refresh tokens, keys that are shown
#: once, what follows a scheme of authorization, passwords in addresses and queries, codes that are named so, phones.
_TELLTALE = (
    r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*|drt_[\w-]{8,}|(?<![a-z0-9])(?:[spr]k|rzp|cs|ob)_(?:live|test)_[\w-]+"
    r"|(?<![a-z0-9_-])(?:[sp]k|ci|ak|ot)_[\w-]{20,}|whsec_[\w+/=]+"
    r"|(?<=bearer )[^\s\"',]+|(?<=basic )[^\s\"',]+|(?<=://)[^/\s:@]*:[^/\s@]*(?=@)"
    r"|(?<=token=)[^\s&\"']+|(?<=secret=)[^\s&\"']+|(?<=password=)[^\s&\"']+|(?<=key=)[^\s&\"']+"
    r"|(?<=code is )\d{4,8}|(?<=code: )\d{4,8}|(?<=otp )\d{4,8}|\+\d{8,15}\b"
)
#: A configured secret shorter than this would blank innocent words.
_SHORTEST_KNOWN = 6
_PLAIN = frozenset({int, float, bool, type(None)})
_SHORT = 100
_telltale = re.compile(_TELLTALE, re.IGNORECASE)
_stream: TextIO | None = None
_render: Processor | None = None
_reporter: Reporter | None = None


def configure(
    level: str = "info", *, for_people: bool = False, stream: TextIO | None = None, secrets: Iterable[str] = ()
) -> None:
    """Sends our loggers and the standard ones to one place. `for_people` writes lines instead of JSON.

    `secrets` are values that must not be read in a log wherever they turn up: the configured keys and passwords.
    """
    global _stream, _render, _telltale
    known = sorted({re.escape(s) for s in secrets if len(s) >= _SHORTEST_KNOWN}, key=len, reverse=True)
    _telltale = re.compile("|".join([*known, _TELLTALE]), re.IGNORECASE)
    _clean_short.cache_clear()
    _stream = stream or sys.stderr
    _render = _for_people if for_people else None
    handler = logging.StreamHandler(_stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_foreign_steps(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render or _as_json],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The access log is ours (api/edge/middleware.py); aiohttp's would write raw paths.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def unconfigure() -> None:
    """Back to the standard library's logging, for tests that look at it."""
    global _stream, _render
    _stream = _render = None


class Logger:
    """A logger with named values. Its level is that of the standard logger of the same name."""

    __slots__ = ("_name", "_standard")

    def __init__(self, name: str) -> None:
        self._name = name
        self._standard = logging.getLogger(name)

    @property
    def tells_info(self) -> bool:
        """Whether lines of that level are written: what only they say need not be worked out."""
        return self._standard.isEnabledFor(logging.INFO)

    def info(self, event: str, **values: Any) -> None:
        if self._standard.isEnabledFor(logging.INFO):
            self._write("info", event, values)

    def warning(self, event: str, *, exc_info: bool = False, **values: Any) -> None:
        if self._standard.isEnabledFor(logging.WARNING):
            self._write("warning", event, values, exc_info)

    def error(self, event: str, *, exc_info: bool = False, **values: Any) -> None:
        if self._standard.isEnabledFor(logging.ERROR):
            self._write("error", event, values, exc_info)

    def exception(self, event: str, **values: Any) -> None:
        """An error with the traceback of what is being handled, without the values of variables."""
        self.error(event, exc_info=True, **values)

    def _write(self, level: str, event: str, values: dict[str, Any], with_trace: bool = False) -> None:
        if _reporter is not None and level == "error":
            _reporter(hide(None, level, {"event": event, "logger": self._name, **values}))
        if _stream is None:
            number = logging.getLevelNamesMapping()[level.upper()]
            self._standard.log(number, "%s %s", event, hide(None, level, values), exc_info=with_trace)
            return
        line: EventDict = {"event": _clean(event), "level": level, "logger": self._name, "timestamp": datetime.now(UTC)}
        if (request_id := REQUEST_ID.get()) is not None:
            line["request_id"] = request_id
        for name, value in values.items():
            line[name] = HIDDEN if is_secret(name) else _clean(value)
        if with_trace:
            traced = structlog.processors.format_exc_info(None, level, {"exc_info": True})
            line["exception"] = _clean(traced.get("exception"))
        if _render is None:
            text = orjson.dumps(line, default=str, option=_OPTIONS).decode()
        else:
            text = str(_render(None, level, line))
        _stream.write(text + "\n")


_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


def get_logger(name: str) -> Logger:
    """A logger with named values; its lines look like those of the standard library's loggers."""
    return Logger(name)


class Throttle:
    """Says which of many alike events deserve a line: one per `every_s`, with how many went before it unsaid."""

    __slots__ = ("_every_s", "_from", "_unsaid")

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._from = 0.0
        self._unsaid = 0

    def take(self) -> int | None:
        """How many were unsaid since the last line, or None when this one is to stay unsaid."""
        now = time.monotonic()
        if now < self._from:
            self._unsaid += 1
            return None
        self._from, unsaid, self._unsaid = now + self._every_s, self._unsaid, 0
        return unsaid


# ---------------------------------------------------------------- what is not written


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether a value of this name is never written."""
    return _SECRET.search(name) is not None


def hide(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Blanks what must not be read in a log."""
    return {name: HIDDEN if is_secret(name) else _clean(value) for name, value in event.items()}


def cleaned(value: Any) -> Any:
    """A value as a log may have it, however deep its secrets lie."""
    return _clean(value)


def _clean(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return _clean_short(value) if len(value) <= _SHORT else _telltale.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {k: HIDDEN if is_secret(str(k)) else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return _telltale.sub(HIDDEN, str(value))


@lru_cache(maxsize=2048)
def _clean_short(value: str) -> str:
    """Methods, routes and reasons come again and again, and looking costs more than the rest of the line."""
    return _telltale.sub(HIDDEN, value)


def _foreign_steps() -> list[Processor]:
    """What happens to a line of a standard logger. Tracebacks come without the values of variables."""
    return [
        _add_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide,
    ]


def _add_request_id(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if (request_id := REQUEST_ID.get()) is not None:
        event["request_id"] = request_id
    return event


def _for_people(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """One line: when, how grave, what, and the named values; a traceback follows."""
    at, trace = event.pop("timestamp"), event.pop("exception", None)
    at = at.strftime("%H:%M:%S") if isinstance(at, datetime) else str(at)[11:19]
    head = f"{at} {event.pop('level'):7} {event.pop('event')}"
    line = " ".join([head, *(f"{name}={value}" for name, value in event.items())])
    return line if trace is None else f"{line}\n{trace}"


def _as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
