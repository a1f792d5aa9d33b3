"""XLSX: text and numbers."""

from __future__ import annotations

import io
import zipfile

from dispatch.reports import xlsx_writer
from tests.dispatch.reports.sheets import made


async def test_xlsx_holds_text_and_numbers() -> None:
    book = zipfile.ZipFile(io.BytesIO(await made(xlsx_writer.write)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "cmd|" in sheet and "<v>12.5</v>" in sheet and "<v>-3</v>" in sheet
