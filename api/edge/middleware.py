"""Around every request: its id, its log line, its measures, the form of its failures, safe headers."""

from __future__ import annotations

import time
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from prometheus_client import Counter, Histogram

from api.audiences import audience_of
from api.edge.health import LIFE
from api.edge.request_info import INFO, info_of
from api.route import CORE, Core
from api.wire.answers import error_response, problem_response
from dispatch.errors import DispatchError, Invalid, Unavailable
from dispatch.logs import get_logger
from storage.database.errors import DatabaseAway, DatabaseBusy, StorageError, is_data, is_deadlock

log = get_logger("dispatch.http")

REQUESTS = Counter("dispatch_http_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS = Histogram(
    "dispatch_http_request_seconds", "Time to answer", ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
#: Long-lived and counted elsewhere.
SOCKETS = "/socket.io"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WORDS = {
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take this method."),
    413: ("PAYLOAD_TOO_LARGE", "The body is too large."),
}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_CORS_METHODS = "GET, POST, PUT, PATCH, DELETE"
_CORS_HEADERS = "Authorization, Content-Type, X-Idempotency-Key, X-Request-ID, X-Step-Up-Token, If-None-Match"
_CORS_EXPOSED = "X-Request-ID, X-Ignored-Fields, Idempotent-Replayed, Retry-After, ETag"


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every request: with what its handler gives, or with the refusal in its audience's dialect."""
    core = request.app[CORE]
    info = info_of(request, core.services.settings.http.trusted_hops)
    request[INFO] = info
    if request.path.startswith(SOCKETS):
        return await handler(request)
    structlog.contextvars.bind_contextvars(request_id=info.request_id)
    started = time.perf_counter()
    try:
        response = await _answered(request, handler, core)
        if request.app[LIFE].is_draining and not response.prepared:
            # The caller's next request is for another node.
            response.force_close()
        took_s = time.perf_counter() - started
        _measure(request, response.status, took_s)
        return response
    finally:
        structlog.contextvars.unbind_contextvars("request_id")


async def _answered(request: web.Request, handler: Handler, core: Core) -> web.StreamResponse:
    dialect, clock = audience_of(request.path, core.audiences).dialect, core.services.clock
    if request.method == "OPTIONS" and _is_friend(request, core):
        return web.Response(status=204)
    try:
        return await handler(request)
    except DispatchError as error:
        return error_response(error, dialect, clock)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        code, message = _WORDS.get(
            error.status, (HTTPStatus(error.status).name, HTTPStatus(error.status).phrase)
        )
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        response = problem_response(dialect, clock, error.status, code, message, headers)
        if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            response.force_close()
        return response
    except (DatabaseBusy, DatabaseAway, TimeoutError) as error:
        log.warning("unavailable", reason=type(error).__name__, route=route_of(request))
        return error_response(Unavailable(), dialect, clock)
    except StorageError as error:
        if is_deadlock(error):
            log.warning("lost a deadlock", route=route_of(request))
            return error_response(Unavailable(), dialect, clock)
        if is_data(error):
            log.warning("a value that no check refused", route=route_of(request), exc_info=True)
            return error_response(Invalid(), dialect, clock)
        return _bug(request, core)
    except Exception:
        return _bug(request, core)


def _bug(request: web.Request, core: Core) -> web.Response:
    """Ours: the log has everything but the body, the caller learns nothing but the request id."""
    log.exception("bug", method=request.method, route=route_of(request))
    dialect = audience_of(request.path, core.audiences).dialect
    return problem_response(
        dialect, core.services.clock, 500, "INTERNAL_SERVER_ERROR", "Something went wrong on our side."
    )


def route_of(request: web.Request) -> str:
    """The template of the path, never the path itself: paths hold ids."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


def _measure(request: web.Request, status: int, took_s: float) -> None:
    route, method = route_of(request), request.method if request.method in _METHODS else "OTHER"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(took_s)
    level = "info" if status < 500 else "warning"
    getattr(log, level)("request", method=method, route=route, status=status, ms=round(took_s * 1000, 1))


# ---------------------------------------------------------------- headers


def _is_friend(request: web.Request, core: Core) -> bool:
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is not None and origin in core.services.settings.http.allowed_origins


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """The last word on every response; what an endpoint has set itself stays."""
    core = request.app[CORE]
    headers = response.headers
    headers["Server"] = "dispatch"
    info = request.get(INFO)
    if info is not None:
        headers["X-Request-ID"] = info.request_id
    for name, value in _SAFE.items():
        headers.setdefault(name, value)
    if core.services.settings.is_production:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if _is_friend(request, core):
        headers["Access-Control-Allow-Origin"] = request.headers[hdrs.ORIGIN]
        headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
        headers.add("Vary", "Origin")
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = _CORS_METHODS
            headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
            headers["Access-Control-Max-Age"] = "600"
