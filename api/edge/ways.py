"""From a request to its handler: a path without variables is looked up, all others go the library's way.

The library walks its resources, makes a match for each request and wraps the handler anew in what keeps the
applications of nested paths apart, of which we have none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import PlainResource, UrlMappingMatchInfo

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Ways:
    """What a server hands its requests to; made of an application that is set up."""

    def __init__(self, app: web.Application) -> None:
        self._walk = app._handle
        self._known: dict[tuple[str, str], tuple[UrlMappingMatchInfo, Handle]] = {}
        for resource in app.router.resources():
            # In the walk's order: the first of two that fit is asked.
            for route in resource if isinstance(resource, PlainResource) else ():
                # One match for all requests: it holds nothing of any of them.
                match = UrlMappingMatchInfo({}, route)
                match.add_app(app)
                match.freeze()
                handler: Any = route.handler
                for middleware in reversed(app.middlewares):
                    handler = partial(middleware, handler=handler)
                self._known.setdefault((route.method, resource.canonical), (match, handler))

    def __call__(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        """Answers a request; raises as handlers do."""
        found = self._known.get((request.method, request.rel_url.path_safe))
        asked = cast(web.Request, request)
        if found is None or hdrs.EXPECT in request.headers:
            return self._walk(asked)
        asked._match_info, handler = found
        return handler(asked)
