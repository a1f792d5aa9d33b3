"""What makes the technician's page an app that can be installed: its manifest, and the worker that keeps its shell."""

from __future__ import annotations

import orjson
from aiohttp import web

from api.console.assets import assets
from api.console.pages import origin_of
from api.core import CORE

SCOPE = "/technician"


async def manifest(request: web.Request) -> web.StreamResponse:
    """The app's name, colours and icon."""
    settings = request.app[CORE].services.settings
    icon = assets().url("lib/icon.svg", settings.console.cdn_url.rstrip("/"))
    told = {
        "id": SCOPE, "name": f"{settings.brand} for technicians", "short_name": settings.brand, "start_url": SCOPE,
        "scope": SCOPE, "display": "standalone", "background_color": "#f4f5f7", "theme_color": "#2456c7",
        "icons": [{"src": icon, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }  # fmt: skip
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=orjson.dumps(told), content_type="application/manifest+json", headers=headers)


async def worker(request: web.Request) -> web.StreamResponse:
    """Under one name for ever, so that browsers ask for it anew; its policy lets it fetch from here only."""
    cdn = origin_of(request.app[CORE].services.settings.console.cdn_url)
    headers = {
        "Cache-Control": "no-cache", "Service-Worker-Allowed": SCOPE,
        "Content-Security-Policy": f"default-src 'none'; connect-src 'self' {cdn}".rstrip(),
    }  # fmt: skip
    body = assets().get("technician/worker.js").body
    return web.Response(body=body, content_type="text/javascript", headers=headers)


def add_installable(app: web.Application) -> None:
    app.router.add_get("/technician.webmanifest", manifest)
    app.router.add_get("/technician-worker.js", worker)
