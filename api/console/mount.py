"""Everything of the web pages, on an application."""

from __future__ import annotations

from aiohttp import web

from api.console.assets import add_assets
from api.console.development import add_development
from api.console.installable import add_installable
from api.console.pages import add_pages
from api.console.schema import add_schema


def add_console(app: web.Application) -> None:
    add_assets(app)
    add_schema(app)
    add_development(app)
    add_installable(app)
    add_pages(app)
