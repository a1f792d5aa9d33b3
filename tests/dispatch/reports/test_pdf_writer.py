"""PDF: its pages and an end."""

from __future__ import annotations

from dispatch.reports import pdf_writer
from tests.dispatch.reports.sheets import made


async def test_pdf_has_its_pages_and_an_end() -> None:
    short = await made(pdf_writer.write)
    assert short.startswith(b"%PDF-") and short.rstrip().endswith(b"%%EOF")
    long = await made(pdf_writer.write, pdf_writer.MAX_ROWS)
    assert long.count(b"/Type /Page\n") + long.count(b"/Type /Page ") > 50
