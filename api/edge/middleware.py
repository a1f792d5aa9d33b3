"""Around every request: its id, its log line, its measures, the form of its failures, safe headers."""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from api.audiences import audience_of
from api.core import CORE, Core
from api.edge.counted import REQUESTS
from api.edge.health import LIFE
from api.edge.request_info import INFO, info_of
from api.wire.answers import BrokenOff, error_response, problem_response
from api.wire.finished import Finished, finished_of, is_whole
from dispatch.errors import DispatchError, Invalid, Unavailable
from dispatch.logs import REQUEST_ID, get_logger
from storage.database.errors import DatabaseAway, DatabaseBusy, DatabaseFull, StorageError, is_data, is_deadlock

log = get_logger("dispatch.http")

#: Long-lived and counted elsewhere.
SOCKETS = "/socket.io"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WORDS = {
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take this method."),
    413: ("PAYLOAD_TOO_LARGE", "The body is too large."),
}
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_HSTS = "max-age=31536000"
_CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
#: Everything that some audience's clients send; the simple ones (Accept, Accept-Language) need no word.
_CORS_HEADERS = (
    "Authorization, Cache-Control, Content-Type, If-None-Match, X-API-Key, X-API-Secret, X-Client-Id, X-Client-Secret, "
    "X-Idempotency-Key, X-Onboarding-Token, X-Organization-ID, X-Request-ID, X-Requested-With, X-Step-Up-Token"
)
_CORS_EXPOSED = "Content-Disposition, ETag, Idempotent-Replayed, Location, Retry-After, X-Ignored-Fields, X-Request-ID"


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every request: with what its handler gives, or with the refusal in its audience's dialect."""
    if request.path.startswith(SOCKETS):
        return await handler(request)
    app = request.app
    core = app[CORE]
    info = request[INFO] = info_of(request, core.trusted_hops)
    # Taken back by the connection (api/edge/connections.py), after the answer's last byte.
    REQUEST_ID.set(info.request_id)
    started = time.perf_counter()
    response = await _answered(request, handler, core)
    if not response.prepared and (app[LIFE].is_draining or response.status == 413):
        # The caller's next request is for another node; or what is left of a body would be taken for a request.
        response.force_close()
    if type(response) is Finished:
        response.more = _lines_of(request, core, info.request_id)
    elif is_whole(response, request):
        _put_headers(request, response, core, info.request_id)
        response = finished_of(response)
    _measure(request, response.status, time.perf_counter() - started)
    return response


async def _answered(request: web.Request, handler: Handler, core: Core) -> web.StreamResponse:
    try:
        if request.method == "OPTIONS" and _friend(request, core):
            return web.Response(status=204)
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except BrokenOff as broken:
        return _cut(request, broken)
    except Exception as error:
        return refusal_of(request, error, core)


def _cut(request: web.Request, broken: BrokenOff) -> web.StreamResponse:
    """Ends the connection, so that what was sent is never taken for the whole, nor another answer for the rest."""
    if isinstance(broken.__cause__, ConnectionError):
        log.info("left before the end", route=route_of(request))
    else:
        log.exception("an answer broke off", method=request.method, route=route_of(request))
    if request.transport is not None:
        request.transport.abort()
    return broken.response


def refusal_of(request: web.Request, error: Exception, core: Core) -> web.StreamResponse:
    """What the caller is told of an error, in the dialect of the path's owner."""
    dialect, clock = audience_of(request.path, core.audiences).dialect, core.services.clock
    if isinstance(error, DispatchError):
        return error_response(error, dialect, clock)
    if isinstance(error, web.HTTPException):
        status = HTTPStatus(error.status)
        code, message = _WORDS.get(error.status, (status.name, status.phrase))
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return problem_response(dialect, clock, error.status, code, message, headers)
    if isinstance(error, DatabaseBusy | DatabaseAway | DatabaseFull | TimeoutError):
        log.warning("unavailable", reason=type(error).__name__, route=route_of(request))
        return error_response(Unavailable(), dialect, clock)
    if isinstance(error, StorageError):
        if is_deadlock(error):
            log.warning("lost a deadlock", route=route_of(request))
            return error_response(Unavailable(), dialect, clock)
        if is_data(error):
            log.warning("a value that no check refused", route=route_of(request), exc_info=True)
            return error_response(Invalid(), dialect, clock)
    # Ours: the log has everything but the body, the caller learns nothing but the request id.
    log.exception("bug", method=request.method, route=route_of(request))
    words = "Something went wrong on our side."
    return problem_response(dialect, clock, 500, "INTERNAL_SERVER_ERROR", words)


def route_of(request: web.Request) -> str:
    """The template of the path, never the path itself: paths hold ids."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


def _measure(request: web.Request, status: int, took_s: float) -> None:
    route, method = route_of(request), request.method if request.method in _METHODS else "OTHER"
    REQUESTS.count(method, route, status, took_s)
    if status >= 500:
        log.warning("request", method=method, route=route, status=status, ms=round(took_s * 1000, 1))
    elif log.tells_info:
        log.info("request", method=method, route=route, status=status, ms=round(took_s * 1000, 1))


# ---------------------------------------------------------------- headers


def _friend(request: web.Request, core: Core) -> str | None:
    """The origin of the asking page, if it is one of ours."""
    origin = request.headers.get(hdrs.ORIGIN)
    return origin if origin in core.origins else None


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """The last word on every response that the library writes; those that are written at once have had it."""
    core = request.app[CORE]
    # A socket that is refused has come without: one that is let in needs none.
    info = request.get(INFO) or info_of(request, core.trusted_hops)
    _put_headers(request, response, core, info.request_id)


def _put_headers(request: web.Request, response: web.StreamResponse, core: Core, request_id: str) -> None:
    """What every response says; what an endpoint has set itself stays."""
    headers = response.headers
    headers["Server"] = "dispatch"
    headers["X-Request-ID"] = request_id
    for name, value in SAFE.items():
        headers.setdefault(name, value)
    if core.is_deployed:
        headers.setdefault("Strict-Transport-Security", _HSTS)
    if core.origins:
        _add_cors(request, response, core)


def _lines_of(request: web.Request, core: Core, request_id: str) -> bytes:
    """The same for an answer whose own headers are finished: they say themselves how long they may be kept."""
    lines = _finished_lines(core.is_deployed) + b"X-Request-ID: " + request_id.encode() + b"\r\n"
    if not core.origins:
        return lines
    lines += b"Vary: Origin\r\n"
    if (origin := _friend(request, core)) is None:
        return lines
    return (
        lines
        + (
            f"Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n"
            f"Access-Control-Expose-Headers: {_CORS_EXPOSED}\r\n"
        ).encode()
    )


@lru_cache(maxsize=2)
def _finished_lines(is_deployed: bool) -> bytes:
    named = {"Server": "dispatch", **{k: v for k, v in SAFE.items() if k != "Cache-Control"}}
    if is_deployed:
        named["Strict-Transport-Security"] = _HSTS
    return "".join(f"{name}: {value}\r\n" for name, value in named.items()).encode()


def _add_cors(request: web.Request, response: web.StreamResponse, core: Core) -> None:
    headers = response.headers
    # Also for strangers: what a shared cache keeps of their answer lacks the words that a friend needs.
    headers.add("Vary", "Origin")
    if (origin := _friend(request, core)) is None:
        return
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Allow-Credentials"] = "true"
    headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = _CORS_METHODS
        headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
        headers["Access-Control-Max-Age"] = "600"
