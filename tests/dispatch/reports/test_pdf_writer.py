"""PDF: its pages and an end."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports import pdf_writer
from dispatch.reports.rows import Table
from dispatch.reports.typefaces import types
from tests.dispatch.reports.papers import NAMES, said
from tests.dispatch.reports.sheets import batches, made


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


async def _paper(*cells: str) -> bytes:
    table = Table(cells[0], cells, batches([list(cells)]))
    return b"".join([piece async for piece in pdf_writer.write(table)])


async def test_names_in_letters_of_india_stand_in_lists() -> None:
    paper = await _paper(*(NAMES[script] for script in ("Devanagari", "Tamil", "Telugu")))
    # The title, the name of a column, and the cell.
    assert said(paper).count("श्रीमती") == 3 and said(paper).count("శ్రీనివాస్") == 2


@given(st.text())
def test_any_text_may_stand_in_lists(text: str) -> None:
    assert asyncio.run(_paper(text, "Ten", text, text)).startswith(b"%PDF-")
