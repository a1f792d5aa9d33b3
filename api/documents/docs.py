"""The documents and their pages, without a single request to elsewhere."""

from __future__ import annotations

import asyncio
import importlib.util
from functools import lru_cache
from html import escape
from pathlib import Path

import orjson
from aiohttp import web

from api.documents.asyncapi import asyncapi_document, events_page
from api.documents.openapi import openapi_document, openapi_part
from api.edge.operators import documents_only
from api.registry import all_routes

#: Of swagger-ui-py only these two files are used; its own code would pull in a template engine.
_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
_CACHE = "public, max-age=3600"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dispatch: REST</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="stylesheet" href="/docs/assets/page.css"></head>
<body><nav><a href="/docs/events">Socket events</a> <a href="/openapi.json">openapi.json</a>
<a href="/asyncapi.json">asyncapi.json</a></nav>
{guide}<nav id="audiences" aria-label="Whose calls">{audiences}</nav><div id="docs"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script></body></html>"""

#: From nothing to a technician on the way: what a start guide calls, in this order, and what each answer is needed for.
_STEPS = (
    ("Sign in",
     "Ask for a code (in development it stands at /outbox) and send it: every other call carries the access_token of"
     " the answer as Authorization: Bearer.",
     ("POST /v1/auth/send-otp", "POST /v1/auth/verify-otp")),
    ("Choose", "Take the id of a service, and of an address: a customer's own, or one that you add.",
     ("GET /v1/services/catalog", "POST /v1/users/addresses")),
    ("Book",
     "Prepare, with both ids, says what it costs and which times are free. Within two minutes confirm books: with the"
     " preview_id and the booking_date of that answer, one of its available_time_slots and the id of the address."
     " Once, however often it is sent.",
     ("POST /v1/checkout/prepare", "POST /v1/checkout/confirm")),
)  # fmt: skip
_NEWCOMERS = ("customer", "technician")
_FIRST = ("customer", "customer: auth", "customer_auth_send_otp")

_START = (
    """// The first call is open for whoever comes without an address of their own.
// They stay at the guide above it.
const audience = new URLSearchParams(location.search).get("audience") ?? "{audience}";
for (const link of document.querySelectorAll("#audiences a"))
  if (link.search === "?audience=" + audience) link.setAttribute("aria-current", "page");
const isNew = !location.hash && audience === "{audience}";
const stays = () => ({statePlugins: {layout: {wrapActions: {
  readyToScroll: (given) => (...where) => isNew ? {type: "stays"} : given(...where) }}}});
// A path stands within the button that opens it: as text, since a link in a button confuses readers of screens.
const isText = () => ({wrapComponents: {
  DeepLink: (_, {React}) => ({text}) => React.createElement("span", null, text) }});
if (isNew) history.replaceState(null, "", "#/" + encodeURIComponent("{tag}") + "/{operation}");
// One audience at a time: all of it in one document takes what draws it half a minute.
SwaggerUIBundle({url: "/openapi.json?audience=" + encodeURIComponent(audience), dom_id: "#docs", deepLinking: true,
  validatorUrl: null,
  plugins: [stays, isText], docExpansion: "none", defaultModelsExpandDepth: 0, persistAuthorization: true});
""".replace("{tag}", _FIRST[1])
    .replace("{operation}", _FIRST[2])
    .replace("{audience}", _FIRST[0])
)

_STYLE = """
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
nav { padding: .75rem 1rem; font: 14px/2 system-ui, sans-serif; } nav a { display: inline-block; margin-right: 1rem; }
nav [aria-current] { font-weight: 700; text-decoration: none; }
main code { background: #f2f3f5; padding: .1em .3em; border-radius: 3px; }
main section { border-top: 1px solid #dde; margin: 1rem 0; }
main { overflow-wrap: anywhere; }
main table { border-collapse: collapse; width: 100%; }
main th, main td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #eef; }
main pre { background: #f7f8fa; padding: 1rem; overflow: auto; } main em { color: #965; font-size: .85em; }
@media (prefers-color-scheme: dark) {
  body { background: #111317; color: #eceef2; } nav a, main a { color: #8fb1ff; }
  main code, main pre { background: #1a1d23; } main em { color: #f0b45a; }
  main section, main th, main td { border-color: #30353e; }
  /* What draws the reference knows light only. */
  #docs { background: #fff; border-radius: 8px; color: #171a20; margin: 0 1rem; }
}
/* The colours of what draws the reference are too pale to be read by all; of what it has, we have no links and one
   server. */
#docs .title small { background: #4d5461; } #docs .title small.version-stamp { background: #3f6200; }
#docs .url { color: #1d5fb4; }
#docs .authorize { border-color: #1c7a4d; color: #1c7a4d; } #docs .authorize svg { fill: #1c7a4d; }
#docs .opblock-post .opblock-summary-method { background: #1c7a4d; }
#docs .opblock-get .opblock-summary-method { background: #1f66b0; }
#docs .opblock-put .opblock-summary-method { background: #8f5200; }
#docs .opblock-patch .opblock-summary-method { background: #0f6b66; }
#docs .opblock-delete .opblock-summary-method { background: #b3261e; }
#docs .response-col_links, #docs .schemes-server-container { display: none; }
"""


_MAKING = asyncio.Lock()


@lru_cache(maxsize=32)
def _openapi(audience: str | None) -> bytes:
    """All of it, or what one audience calls."""
    if audience is None:
        return orjson.dumps(openapi_document())
    routes = [route for route in all_routes() if route.audience.name == audience]
    return orjson.dumps(openapi_part(orjson.loads(_openapi(None)), routes))


def _audiences() -> list[str]:
    """Those who begin here first."""
    every = sorted({route.audience.name for route in all_routes()})
    return [*_NEWCOMERS, *(name for name in every if name not in _NEWCOMERS)]


@lru_cache(maxsize=1)
def _asyncapi() -> bytes:
    return orjson.dumps(asyncapi_document())


def _text(text: str, kind: str) -> web.Response:
    headers = {"Content-Security-Policy": _CSP, "Cache-Control": _CACHE}
    return web.Response(text=text, content_type=kind, headers=headers)


async def openapi_json(request: web.Request) -> web.Response:
    """The OpenAPI 3.1 document; `?audience=customer` has what one audience calls."""
    audience = request.query.get("audience")
    if audience is not None and audience not in _audiences():
        raise web.HTTPNotFound
    async with _MAKING:
        # Seconds of work where it is made for the first time: no ping waits for it.
        body = await asyncio.to_thread(_openapi, audience)
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": _CACHE})


async def asyncapi_json(request: web.Request) -> web.Response:
    """The AsyncAPI 3 document."""
    return web.Response(body=_asyncapi(), content_type="application/json", headers={"Cache-Control": _CACHE})


async def docs(request: web.Request) -> web.Response:
    """A start guide, and every call to try."""
    async with _MAKING:
        page = await asyncio.to_thread(_page)
    return _text(page, "text/html")


@lru_cache(maxsize=1)
def _page() -> str:
    """The bodies of the guide are the examples of the document itself."""
    paths = orjson.loads(_openapi(None))["paths"]
    parts = ["<main><h1>Start here</h1>"]
    for title, words, calls in _STEPS:
        parts.append(f"<section><h2>{escape(title)}</h2><p>{escape(words)}</p>")
        for call in calls:
            method, path = call.split()
            asked = paths[path][method.lower()].get("requestBody")
            body = (
                orjson.dumps(asked["content"]["application/json"]["example"], option=orjson.OPT_INDENT_2)
                if asked
                else b""
            )
            parts.append(f'<pre tabindex="0"><strong>{escape(call)}</strong>\n{escape(body.decode())}</pre>')
        parts.append("</section>")
    parts.append(
        "<section><h2>Follow</h2><p>Open a Socket.IO connection to <code>/customer</code> with the token, send"
        ' <code>track.start</code> with the booking, and hear every step: <a href="/docs/events">Socket events</a> has'
        " each with its answer, its refusals and what to do after a gap.</p></section></main>"
    )
    named = {name: name.replace("_", " ").capitalize() for name in _audiences()} | {"erp": "ERP"}
    links = (f'<a href="/docs?audience={name}">{said}</a>' for name, said in named.items())
    return _PAGE.replace("{guide}", "".join(parts)).replace("{audiences}", " ".join(links))


async def front(request: web.Request) -> web.Response:
    """Whoever opens the bare address in a browser finds the pages."""
    return web.Response(status=302, headers={"Location": "/docs"})


async def docs_events(request: web.Request) -> web.Response:
    return _text(events_page(), "text/html")


async def asset(request: web.Request) -> web.StreamResponse:
    """Ours by name, and two files of swagger-ui-py."""
    name = request.match_info["name"]
    if name == "start.js":
        return _text(_START, "text/javascript")
    if name == "page.css":
        return _text(_STYLE, "text/css")
    folder = _swagger_folder()
    if name not in _ASSETS or folder is None:
        raise web.HTTPNotFound
    headers = {"Content-Type": _ASSETS[name], "Cache-Control": _CACHE}
    return web.FileResponse(folder / name, headers=headers)


@lru_cache(maxsize=1)
def _swagger_folder() -> Path | None:
    """Where the package's files are; it is not imported."""
    found = importlib.util.find_spec("swagger_ui")
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) / "static" if places else None


def add_documents(app: web.Application) -> None:
    app.router.add_get("/openapi.json", documents_only(openapi_json))
    app.router.add_get("/asyncapi.json", documents_only(asyncapi_json))
    app.router.add_get("/", documents_only(front))
    app.router.add_get("/docs", documents_only(docs))
    app.router.add_get("/docs/events", documents_only(docs_events))
    app.router.add_get("/docs/assets/{name}", documents_only(asset))
