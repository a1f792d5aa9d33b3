"""Structured logs: one JSON object a line, with the request's id, and without tokens, phones or bodies."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

#: Names whose values are never written.
_SECRET = re.compile(
    r"token|authorization|password|secret|otp|code_hash|phone|aadhaar|account_number|card|cvv|signature|api_key",
    re.IGNORECASE,
)
#: Signed tokens, our refresh tokens, and phones in international form, wherever they turn up in a text.
_TELLTALE = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|drt_[\w-]{20,}|\+\d{8,15}\b")
HIDDEN = "[hidden]"


def configure(level: str = "info", *, for_people: bool = False, stream: TextIO | None = None) -> None:
    """Sends structlog and the standard loggers to one place. `for_people` writes lines instead of JSON."""
    shared = _steps()
    last: Processor = structlog.dev.ConsoleRenderer(colors=False) if for_people else _as_json
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The access log is ours (api/middleware.py); aiohttp's would write raw paths.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def _steps() -> list[Processor]:
    """What happens to every line, whoever writes it. Tracebacks come without the values of variables."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide,
    ]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger with named values; it writes through the standard library's logging."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def hide(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Blanks what must not be read in a log."""
    return {name: HIDDEN if _SECRET.search(name) else _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _TELLTALE.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {k: HIDDEN if _SECRET.search(str(k)) else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return value


def _as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


# Done on import: structlog's own default would print the local variables of every traceback.
structlog.configure(
    processors=[*_steps(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
