"""The pages: one row each, and the shell that is all the HTML they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from api.console.assets import assets, csp_hash
from api.console.development import is_nearby
from api.core import CORE
from dispatch.config import Settings
from dispatch.services import Services


@dataclass(frozen=True, slots=True)
class Page:
    """`path` and everything below it where `is_tree`; `entry` is the module that draws it, `styles` its own ones."""

    path: str
    title: str
    entry: str
    styles: tuple[str, ...] = ()
    has_map: bool = False
    is_tree: bool = True
    #: Of an app that can be installed: the manifest's address.
    manifest: str | None = None
    #: Not there but in development.
    is_for_development: bool = False


#: Every page. A new one is a row here and a module under static/.
PAGES: tuple[Page, ...] = (
    Page("/ops", "Operations", "ops/page.js", ("ops/page.css",), has_map=True),
    Page("/admin", "Back office", "admin/page.js", ("admin/page.css",)),
    Page("/track", "Follow a visit", "track/page.js", ("people/people.css",), has_map=True),
    Page("/book", "Book", "book/page.js", ("people/people.css", "book/page.css"), has_map=True),
    Page("/bookings", "Bookings", "bookings/page.js", ("people/people.css", "bookings/page.css"), has_map=True),
    Page(
        "/technician", "Technician", "technician/page.js", ("people/people.css", "technician/page.css"),
        manifest="/technician.webmanifest",
    ),
    Page("/outbox", "Outbox", "outbox/page.js", ("people/people.css", "outbox/page.css"), is_tree=False,
         is_for_development=True),
)  # fmt: skip

BASE_STYLES = ("lib/tokens.css", "lib/base.css")

_SHELL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<link rel="icon" href="{icon}" type="image/svg+xml">
{head}
<script type="importmap">{import_map}</script>
{preloads}
<script id="boot" type="application/json">{boot}</script>
{scripts}
</head><body><div id="app"><p class="boot" role="status">Loading <span class="boot-slow">takes longer than it should:
check your connection and reload.</span></p></div><noscript><p class="boot">This page needs JavaScript.</p></noscript>
</body></html>"""

_HEADERS = {"Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin"}


def content_policy(settings: Settings, import_map: str) -> str:
    """What a page may load: its own server, the CDN of scripts and images, and map tiles where they are set."""
    console = settings.console
    cdn = origin_of(console.cdn_url)
    own = " ".join(filter(None, ("'self'", cdn)))
    images = " ".join(dict.fromkeys(filter(None, map(origin_of, (console.tile_url, settings.files.cdn_url)))))
    return "; ".join((
        "default-src 'none'", f"script-src {own} {csp_hash(import_map)}", f"style-src {own}",
        f"img-src {own} data: blob: {images}".rstrip(), f"font-src {own}", "connect-src 'self'",
        "media-src 'self' data:", "manifest-src 'self'", "worker-src 'self'", "object-src 'none'",
        "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ))  # fmt: skip


def origin_of(url: str) -> str:
    """The origin of an address; empty for none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@dataclass(frozen=True, slots=True)
class _Head:
    """What of a shell is the same for everybody."""

    html: str
    import_map: str


@lru_cache(maxsize=64)
def _head(page: Page, cdn: str) -> _Head:
    files = assets()
    import_map = files.import_map(page.entry, cdn)
    styles = (*BASE_STYLES, *(("leaflet/leaflet.css", "lib/map.css") if page.has_map else ()), *page.styles)
    links = [f'<link rel="stylesheet" href="{files.url(name, cdn)}">' for name in styles]
    if page.manifest:
        links.append(f'<link rel="manifest" href="{page.manifest}">')
    preloads = [f'<link rel="modulepreload" href="{files.url(n, cdn)}">' for n in files.closure(page.entry).first]
    scripts = [f'<script src="{files.url("leaflet/leaflet.js", cdn)}" defer></script>'] if page.has_map else []
    scripts.append(f'<script type="module" src="{files.url(page.entry, cdn)}"></script>')
    html = _SHELL.format(
        title=escape(page.title), icon=files.url("lib/icon.svg", cdn), head="\n".join(links),
        import_map=import_map, preloads="\n".join(preloads), boot="{boot}", scripts="\n".join(scripts),
    )  # fmt: skip
    return _Head(html, import_map)


def _boot(services: Services) -> str:
    """What every page knows from the start, as JSON that cannot end its element."""
    settings, reading = services.settings, services.clock.reading
    told = {
        "env": settings.env, "brand": settings.brand, "currency": settings.currency, "timezone": settings.timezone,
        "phone_region": settings.phone_region, "now_ms": round(services.clock.timestamp() * 1000),
        "speed": reading.speed, "checkout_url": checkout_of(settings), "tile_url": settings.console.tile_url,
        "tile_attribution": settings.console.tile_attribution,
    }  # fmt: skip
    return orjson.dumps(told).decode().replace("<", "\\u003c")


def checkout_of(settings: Settings) -> str:
    """Where people pay an order on the local gateway's page; empty with any other gateway, whose page is a script of
    its own."""
    payments = settings.payments
    is_local = payments.is_configured and urlsplit(payments.base_url).hostname in ("127.0.0.1", "localhost", "::1")
    return f"{payments.base_url.rstrip('/')}/checkout" if is_local and not settings.is_production else ""


def shell_of(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler that answers a page's shell; it is the same whoever asks, and says nothing of anybody."""

    async def shell(request: web.Request) -> web.StreamResponse:
        services = request.app[CORE].services
        settings = services.settings
        if page.is_for_development and (settings.env != "development" or not is_nearby(request)):
            raise web.HTTPNotFound
        head = _head(page, settings.console.cdn_url.rstrip("/"))
        headers = {**_HEADERS, "Content-Security-Policy": content_policy(settings, head.import_map)}
        html = head.html.replace("{boot}", _boot(services), 1)
        return web.Response(text=html, content_type="text/html", headers=headers)

    return shell


def add_pages(app: web.Application) -> None:
    for page in PAGES:
        handler = shell_of(page)
        app.router.add_get(page.path, handler)
        if page.is_tree:
            app.router.add_get(page.path + "/{tail:.*}", handler)
