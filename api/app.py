"""The aiohttp application from one Services object: audiences, documents, health checks and sockets."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from api.audiences import AUDIENCES, Audience
from api.documents.docs import add_documents
from api.edge.health import LIFE, Lag, Life, add_health
from api.edge.middleware import add_headers, observe
from api.route import CORE, BadRoute, Core, Route
from dispatch.services import Services
from storage import bookings
from storage.ratelimits import RateCounters

#: Whose modules declare endpoints; importing them fills the audiences' tables.
PACKAGES = ("api.customer", "api.technician", "api.internal", "api.admin")


#: How the server is made, web.AppRunner(app, **SERVER_OPTIONS): compressed bodies reach us as they are and
#: are refused; the log line of a request is ours.
SERVER_OPTIONS: Mapping[str, Any] = {
    "auto_decompress": False,
    "keepalive_timeout": 75.0,
    "access_log": None,
}


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One line of `dispatch routes`."""

    audience: str
    method: str
    path: str
    access: str
    endpoint: str
    summary: str


def load_endpoints() -> None:
    """Imports every module of PACKAGES. Raises BadRoute for an endpoint that does not make sense."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{name}.{module}")


def all_routes(audiences: Sequence[Audience] = AUDIENCES) -> list[Route]:
    """The route table, audience by audience. Raises BadRoute when two endpoints want one place."""
    load_endpoints()
    routes = [route for audience in audiences for route in audience.routes]
    seen: dict[str, Route] = {}
    for route in routes:
        other = seen.setdefault(f"{route.method} {route.pattern}", route)
        if other is not route:
            raise BadRoute(
                f"{route.template} is declared twice: {other.func.__name__}, {route.func.__name__}"
            )
    return routes


def route_table() -> list[RouteRow]:
    """What `dispatch routes` prints; needs no database."""
    return [
        RouteRow(
            r.audience.name,
            r.method,
            r.path,
            "public" if r.is_public else r.permission or "signed in",
            f"{r.func.__module__}.{r.func.__name__}",
            r.description.split("\n")[0],
        )  # fmt: skip
        for r in all_routes()
    ]


def create_app(
    services: Services,
    *,
    lag: Lag | None = None,
    with_sockets: bool = True,
    audiences: Sequence[Audience] = AUDIENCES,
) -> web.Application:
    """The whole application. `lag` tells how many seconds the timers are behind, for /readyz."""
    app = web.Application(middlewares=[observe], client_max_size=services.settings.http.body_limit_bytes)
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
        methods = (route.method, "HEAD") if route.method == "GET" else (route.method,)
        for method in methods:
            app.router.add_route(method, route.pattern, route.handle)
            if route.path == route.audience.prefix + "/":
                app.router.add_route(method, route.audience.prefix, route.handle)


def _freedom(route: Route) -> int:
    return sum(part.startswith("{") and ":" not in part for part in route.pattern.split("/"))


def audiences_in_use() -> list[Audience]:
    """Those that have routes."""
    return [a for a in AUDIENCES if a.routes]


def drain(app: web.Application) -> None:
    """From now on /readyz sends callers elsewhere; what is under way goes on."""
    app[LIFE].is_draining = True
