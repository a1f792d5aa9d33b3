"""Text on a page, cut and wrapped to its room."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.graphemes import graphemes
from dispatch.reports.pen import Pen
from tests.dispatch.reports.papers import NAMES, said


def _canvas(out: io.BytesIO) -> Any:
    from reportlab.pdfgen.canvas import Canvas

    return Canvas(out, pageCompression=1)


def _pen(*, size: float = 10.0) -> Pen:
    pen = Pen(_canvas(io.BytesIO()))
    pen.take(size)
    return pen


@pytest.mark.parametrize("name", [*NAMES.values(), "Łódź & Sons"])
def test_a_cut_name_fits_and_ends_between_its_letters(name: str) -> None:
    pen = _pen()
    whole = pen.width(name)
    assert pen.cut(name, whole + 0.01) == name
    parts = graphemes(name)
    for room in (whole * 0.9, whole * 0.5, whole * 0.3):
        cut = pen.cut(name, room)
        assert cut.endswith(".") and pen.width(cut) <= room
        assert cut[:-1] in ("".join(parts[:n]) for n in range(1, len(parts)))
    assert pen.cut(name, 0.0) == f"{parts[0]}."


@pytest.mark.parametrize("name", [*NAMES.values(), "Łódź & Sons"])
def test_wrapped_lines_fit_and_are_the_whole_text(name: str) -> None:
    pen = _pen()
    text = " ".join([name] * 9 + [name.replace(" ", "") * 30])
    lines = pen.wrapped(text, 200.0)
    assert len(lines) > 4 and all(pen.width(one) <= 200.0 for one in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert pen.wrapped(name, 1000.0) == [name] and pen.wrapped("", 10.0) == [""]
    assert pen.wrapped(" " * 999, 10.0) == [""]


def test_a_page_says_what_its_shapes_stand_for_and_holds_their_types() -> None:
    out = io.BytesIO()
    canvas = _canvas(out)
    pen = Pen(canvas)
    pen.take(12, is_bold=True)
    pen.write(50, 700, "Asha")
    for n, name in enumerate(NAMES.values()):
        pen.write(50, 600 - 20 * n, name)
    pen.write_before(500, 650, NAMES["Tamil"])
    pen.write(50, 680, "Asha")
    canvas.save()
    found = said(out.getvalue())
    assert NAMES["Devanagari"].split()[0] in found and found.count(NAMES["Tamil"].split()[0]) == 2
    assert "Asha" not in found
    for script in NAMES:
        assert f"+NotoSans{script}".encode() in out.getvalue()


def test_text_up_to_a_place_ends_there() -> None:
    drawn: list[float] = []

    class Seen:
        def __getattr__(self, name: str) -> Any:
            return lambda *given: drawn.append(given[0]) if name == "drawString" else None

    pen = Pen(Seen(), ("DejaVuSans", "DejaVuSans-Bold"))
    pen.take(10)
    pen.write_before(500, 0, "राम")
    assert drawn[0] == pytest.approx(500 - pen.width("राम"))


@given(st.text(), st.floats(-10, 300))
def test_no_text_is_too_much_for_it(text: str, room: float) -> None:
    out = io.BytesIO()
    canvas = _canvas(out)
    pen = Pen(canvas)
    pen.take(8)
    pen.write(0, 0, pen.cut(text, room))
    for one in pen.wrapped(text, room):
        pen.write_before(100, 100, one)
    canvas.save()
    assert out.getvalue().startswith(b"%PDF-")
