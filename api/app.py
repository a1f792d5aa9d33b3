"""The aiohttp application from one Services object: audiences, documents, health checks and sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from api.audiences import AUDIENCES
from api.console.mount import add_console
from api.core import CORE, Core
from api.documents.docs import add_documents
from api.edge.health import LIFE, Lag, Life, add_health
from api.edge.middleware import add_headers, observe
from api.edge.tracing import add_tracing
from api.handler import Handler
from api.pages.account import add_account_page
from api.registry import all_routes
from api.route import Audience, Route
from dispatch.services import Services
from storage import bookings
from storage.ratelimits import RateCounters

#: How the server is made, web.AppRunner(app, **SERVER_OPTIONS): compressed bodies reach us as they are and
#: are refused; the log line of a request is ours.
SERVER_OPTIONS: Mapping[str, Any] = {
    "auto_decompress": False,
    "keepalive_timeout": 75.0,
    "access_log": None,
}


def create_app(
    services: Services,
    *,
    lag: Lag | None = None,
    with_sockets: bool = True,
    audiences: Sequence[Audience] = AUDIENCES,
) -> web.Application:
    """The whole application. `lag` tells how many seconds the timers are behind, for /readyz."""
    app = web.Application(middlewares=[observe], client_max_size=services.settings.http.body_limit_bytes)
    if services.settings.telemetry.otlp_url:
        add_tracing(app)
    counters = RateCounters(services.settings.redis_url)
    app[CORE] = Core(services, counters, audiences)

    async def close(app: web.Application) -> None:
        await counters.close()

    app.on_cleanup.append(close)
    app[LIFE] = Life(lag or _overdue(services))
    app.on_response_prepare.append(add_headers)
    mount(app, all_routes(audiences))
    add_health(app)
    add_documents(app)
    add_account_page(app)
    add_console(app)
    if with_sockets:
        from api.realtime import attach_realtime

        attach_realtime(app, services)
    return app


def _overdue(services: Services) -> Lag:
    async def behind_s() -> float:
        async with services.read() as conn:
            return await bookings.overdue_s(conn) or 0.0

    return behind_s


def mount(app: web.Application, routes: list[Route]) -> None:
    """Adds routes; of two that fit one path, the one with fewer free words is asked first."""
    for route in sorted(routes, key=_freedom):
        handle = Handler(route).handle
        methods = (route.method, "HEAD") if route.method == "GET" else (route.method,)
        for method in methods:
            app.router.add_route(method, route.pattern, handle)
            if route.path == route.audience.prefix + "/":
                app.router.add_route(method, route.audience.prefix, handle)


def _freedom(route: Route) -> int:
    return sum(part.startswith("{") and ":" not in part for part in route.pattern.split("/"))


def drain(app: web.Application) -> None:
    """From now on /readyz sends callers elsewhere; what is under way goes on."""
    app[LIFE].is_draining = True
