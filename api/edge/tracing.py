"""A span for each request, named by its route's template; where no traces are collected a request pays nothing."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from api.edge.middleware import SOCKETS, route_of
from api.edge.request_info import INFO


def add_tracing(app: web.Application) -> None:
    """Around everything else, so that the whole of a request is in its span."""
    app.middlewares.insert(0, _traced)


@web.middleware
async def _traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Continues the caller's trace. The id that stands in the log and in the answer leads from it to them, and back."""
    from opentelemetry import propagate, trace

    if request.path.startswith(SOCKETS):
        return await handler(request)
    route = route_of(request)
    with trace.get_tracer("dispatch").start_as_current_span(
        f"{request.method} {route}", propagate.extract(request.headers), trace.SpanKind.SERVER,
        {"http.request.method": request.method, "http.route": route},
    ) as span:  # fmt: skip
        response = await handler(request)
        span.set_attribute("http.response.status_code", response.status)
        span.set_attribute("dispatch.request_id", request[INFO].request_id)
        if response.status >= 500:
            span.set_status(trace.StatusCode.ERROR)
        return response
