"""Who may call an operation, how they say who they are, and what they must have been granted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.documents.schemas import Schema
from api.route import Audience, Guests, Route
from dispatch.access.permissions import OWN


def schemes(audiences: Iterable[Audience]) -> dict[str, Schema]:
    """The schemes by their names: each audience's token, and of machines the two headers of their key pair."""
    found: dict[str, Schema] = {}
    for audience in audiences:
        title = audience.title
        found[audience.name] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": title}
        if audience.key_pair is None:
            continue
        key: Schema = {
            "type": "apiKey", "in": "header",
            "description": f"{title}: {' and '.join(audience.key_pair)} go together, in place of a token.",
        }  # fmt: skip
        for header in audience.key_pair:
            found[_of_header(audience, header)] = {**key, "name": header}
    return found


def ways(route: Route, audiences: Mapping[str, Audience]) -> list[Schema]:
    """The ways to be let in, any of which will do; an empty one is without saying who it is."""
    found: list[Schema] = []
    if not route.is_public or route.inputs.caller:
        found += _ways(route.audience, _needed(route))
    if (guests := guests_of(route)) is not None:
        found += _ways(audiences[guests.name], [str(route.scope)])
    return [{}, *found] if route.is_public and found else found


def rights(route: Route) -> list[str]:
    """The same for people."""
    found = [f"Needs `{one}`." for one in _needed(route)]
    if (guests := guests_of(route)) is not None:
        names = "" if route.is_public else f" and names its customer in {guests.header}"
        found.append(f"An {guests.name} needs `{route.scope}`{names}.")
    return found


def guests_of(route: Route) -> Guests | None:
    """The callers of another kind who may use it."""
    return route.audience.guests if route.scope is not None else None


def _needed(route: Route) -> list[str]:
    """What its own audience's callers must have been granted."""
    if route.permission is not None and route.permission != OWN:
        return [route.permission]
    return [route.scope] if route.scope is not None and guests_of(route) is None else []


def _ways(audience: Audience, needed: list[str]) -> list[Schema]:
    found: list[Schema] = [{audience.name: needed}]
    if audience.key_pair is not None:
        found.append({_of_header(audience, header): needed for header in audience.key_pair})
    return found


def _of_header(audience: Audience, header: str) -> str:
    return f"{audience.name}_{header.lower().removeprefix('x-').replace('-', '_')}"
