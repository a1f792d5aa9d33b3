"""PDF: its pages and an end."""

from __future__ import annotations

from dispatch.reports import pdf_writer
from dispatch.reports.typefaces import types
from tests.dispatch.reports.sheets import made


async def test_pdf_has_its_pages_and_an_end() -> None:
    short = await made(pdf_writer.write)
    assert short.startswith(b"%PDF-") and short.rstrip().endswith(b"%%EOF")
    long = await made(pdf_writer.write, pdf_writer.MAX_ROWS)
    assert long.count(b"/Type /Page\n") + long.count(b"/Type /Page ") > 50


async def test_lists_are_set_in_types_that_have_the_letters_of_names_and_the_signs_of_currencies() -> None:
    from reportlab.pdfbase import pdfmetrics

    paper = await made(pdf_writer.write)
    for name in types():
        assert f"+{name}".encode() in paper
        assert {ord(letter) for letter in "Łódź ₹₱₦"} <= pdfmetrics.getFont(name).face.charToGlyph.keys()
