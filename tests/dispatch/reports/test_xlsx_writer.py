"""XLSX: text and numbers."""

from __future__ import annotations

import io
import zipfile

from dispatch.reports import xlsx_writer
from dispatch.reports.rows import Table
from tests.dispatch.reports.papers import NAMES
from tests.dispatch.reports.sheets import batches, made


async def test_xlsx_holds_text_and_numbers() -> None:
    book = zipfile.ZipFile(io.BytesIO(await made(xlsx_writer.write)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "cmd|" in sheet and "<v>12.5</v>" in sheet and "<v>-3</v>" in sheet


async def test_xlsx_keeps_names_in_any_letters() -> None:
    table = Table("नाम", ("नाम",), batches([[name] for name in NAMES.values()]))
    book = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in xlsx_writer.write(table)])))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert all(f">{name}<" in sheet for name in ("नाम", *NAMES.values()))
