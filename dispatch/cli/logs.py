"""Logs: one JSON line each on standard error in production, short readable lines elsewhere; never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatch.config import Settings

#: Keys whose values are never written, wherever they stand in a line.
SECRET_WORDS = ("token", "secret", "password", "authorization", "otp", "cookie", "cvv", "card_number", "api_key")
HIDDEN = "***"


def configure(settings: Settings) -> None:
    """Sets up structlog and the standard library's logging to the same stream and format."""
    import orjson
    import structlog

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    if settings.is_production:
        last: Any = structlog.processors.JSONRenderer(
            serializer=lambda line, **_: orjson.dumps(line, default=str).decode()
        )
    else:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def hide_secrets(logger: Any, name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: blanks the values of SECRET_WORDS, one level of nesting down as well."""
    for key, value in line.items():
        if _is_secret(key):
            line[key] = HIDDEN
        elif isinstance(value, dict):
            line[key] = {k: HIDDEN if _is_secret(str(k)) else v for k, v in value.items()}
    return line


def _is_secret(key: str) -> bool:
    low = key.lower()
    return any(word in low for word in SECRET_WORDS)
