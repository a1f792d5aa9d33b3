"""How a fault looks on the wire."""

from __future__ import annotations

import asyncio
import json
import time

from aiohttp import web

from dispatch.local_gateway.faults import ApiFault
from dispatch.local_gateway.refusals import error_body

_OVERSIZED_BYTES = 3 << 20
_DRIP_S = 0.02
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


async def strike(request: web.Request, fault: ApiFault) -> web.StreamResponse:
    """The reply that the caller sees instead of the true one."""
    kind = fault.kind
    if kind in ("hang", "close"):
        if kind == "hang":
            # Ends early when the caller hangs up: the server cancels the handlers of those who have gone.
            await asyncio.sleep(fault.seconds)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if kind == "drip":
        return await _drip(request, fault.seconds)
    if kind == "error_500":
        return web.json_response(
            error_body("SERVER_ERROR", "We are facing some trouble completing your request."), status=500
        )
    if kind == "html_502":
        return web.Response(text=_PAGE, content_type="text/html", status=502)
    if kind == "throttle":
        body = error_body("BAD_REQUEST_ERROR", "Too many requests")
        return web.json_response(body, status=429, headers={"Retry-After": str(max(1, int(fault.seconds)))})
    if kind == "oversized":
        return web.json_response({"id": "order_00000000000000", "padding": "x" * _OVERSIZED_BYTES})
    if kind == "wrong_shape":
        return web.json_response({"id": 7, "entity": "surprise", "amount": "NaN", "items": {}})
    return web.Response(text='{"id": "order_', content_type="application/json")  # garbage


async def _drip(request: web.Request, seconds: float) -> web.StreamResponse:
    """Byte by byte, so that no time limit between two bytes ever strikes."""
    body = json.dumps({"padding": "x" * 100_000}).encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    end = time.monotonic() + seconds
    for n in range(len(body)):
        if time.monotonic() > end:
            break
        await response.write(body[n : n + 1])
        await asyncio.sleep(_DRIP_S)
    if request.transport is not None:
        request.transport.abort()
    return response
