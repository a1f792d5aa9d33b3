"""What only those who run the server see in production: measures, the details of readiness, and the documents."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from api.core import CORE
from api.edge.credentials import Credentials

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_operator(request: web.Request) -> bool:
    """Everybody in development; where it is deployed whoever carries the operations token."""
    settings = request.app[CORE].services.settings
    if not settings.is_deployed:
        return True
    wanted, given = settings.http.operations_token, Credentials(request.headers).bearer
    if wanted is None or not wanted.get_secret_value() or given is None:
        return False
    return hmac.compare_digest(given.encode(), wanted.get_secret_value().encode())


def operators_only(handler: Handler) -> Handler:
    """For everybody else there is nothing at this address."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not is_operator(request):
            raise web.HTTPNotFound
        return await handler(request)

    return guarded


def documents_only(handler: Handler) -> Handler:
    """The same, unless the documents are open for those who write clients."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not request.app[CORE].services.settings.http.open_documents and not is_operator(request):
            raise web.HTTPNotFound
        return await handler(request)

    return guarded
