"""The route table: every module of every audience is imported once, and its endpoints are collected."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass

from api.audiences import AUDIENCES
from api.route import Audience, Route
from api.signature import BadRoute

#: Whose modules declare endpoints; importing them fills the audiences' tables.
PACKAGES = (
    "api.auth", "api.customer", "api.technician", "api.internal", "api.admin", "api.provider", "api.organisation",
    "api.erp", "api.integration",
)  # fmt: skip


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
            raise BadRoute(f"{route.template} is declared twice: {other.func.__name__}, {route.func.__name__}")
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
