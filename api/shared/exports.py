"""Lists as files: what every export takes in its query, and how its file is named."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from api.wire.listing import Grammar
from api.wire.models import Query
from api.wire.results import File
from dispatch.reports.rows import CONTENT_TYPES, Format


class ExportQuery(Query):
    """`csv` by itself; a PDF is for reading and ends after some thousand lines."""

    format: Format = "csv"


def whole(grammar: Grammar) -> Grammar:
    """The grammar of a list without its pages: sorts, filters and search stay."""
    return replace(grammar, is_paged=False, key=None)


def file(pieces: AsyncGenerator[bytes, None], name: str, form: Format) -> File:
    return File(pieces, f"{name}.{form}", CONTENT_TYPES[form])
