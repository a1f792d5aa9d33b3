"""Lines of any script as shapes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.lettering import Line, line
from tests.dispatch.reports.papers import NAMES


def _numbers(made: Line) -> list[int]:
    return [shape.number for span in made.spans for shape in span.shapes]


def _types(made: Line) -> set[str]:
    return {span.typeface.name for span in made.spans}


@pytest.mark.parametrize(("script", "name"), NAMES.items())
def test_a_name_has_a_shape_for_all_that_is_in_it_and_says_it(script: str, name: str) -> None:
    made = line(name)
    assert all(_numbers(made)) and _types(made) == {f"NotoSans{script}", "DejaVuSans"}
    spans = [span.said for span in made.spans]
    assert "".join(reversed(spans) if script == "Arabic" else spans) == name
    # Letters that join or stack are shapes of their own: not those of the letters one after the other.
    apart = [number for letter in name for number in _numbers(line(letter))]
    assert _numbers(made) != apart and made.width != sum(line(letter).width for letter in name)


def test_consonants_join() -> None:
    assert len(_numbers(line("क्ष"))) == 1 < len(_numbers(line("क\u200cष")))
    # A vowel that is said after its consonant and written before it.
    assert _numbers(line("कि"))[1:] == _numbers(line("क"))


def test_each_part_of_a_mixed_line_is_set_in_a_type_that_has_it() -> None:
    made = line("অনির্বাণ — 12 Park Street ₹5", is_bold=True)
    assert _types(made) == {"NotoSansBengali", "DejaVuSans-Bold"} and all(_numbers(made))
    # A sign of several scripts is set like what it stands beside.
    assert _types(line("রাম।")) == {"NotoSansBengali"} and _types(line("राम।")) == {"NotoSansDevanagari"}


def test_a_line_from_the_right_stands_in_order() -> None:
    made = line("گلی 5 (Old Delhi)")
    assert [span.said for span in made.spans if span.said.strip()] == [")", "Old Delhi", "(", "5", "ی", "ل", "گ"]
    at = [span.x + shape.x for span in made.spans for shape in span.shapes]
    assert at == sorted(at)
    # Brackets open towards what they enclose.
    brackets = [span.shapes[0].number for span in made.spans if span.said in ("(", ")")]
    assert brackets == _numbers(line("(x"))[:1] + _numbers(line(")x"))[:1]


def test_a_letter_that_no_type_has_is_written_by_its_number() -> None:
    made = line("張 Zhang \U0001f338")
    assert made.width == line("[U+5F35] Zhang [U+1F338]").width and all(_numbers(made))
    assert "".join(span.said for span in made.spans) == "張 Zhang \U0001f338"
    # What is never seen is not written.
    assert _numbers(line("a\u200e\u2060\ufe0fb")) == _numbers(line("ab"))
    assert _numbers(line("a\n\tb\u00a0c")) == _numbers(line("a  b c"))
    assert _numbers(line("e\u0301")) == _numbers(line("é"))


@given(st.text(), st.booleans())
def test_nothing_that_is_written_is_an_empty_box(text: str, is_bold: bool) -> None:
    made = line(text, is_bold=is_bold)
    assert all(_numbers(made)) and made.width >= 0
    assert all(shape.number < len(span.typeface.codes) for span in made.spans for shape in span.shapes)


_OF_INDIA = st.text(st.characters(min_codepoint=0x600, max_codepoint=0xD7F) | st.sampled_from(" 12(,.)\u200c\u200d"))


@given(_OF_INDIA)
def test_nor_is_any_order_of_letters_of_these_scripts(text: str) -> None:
    assert all(_numbers(line(text)))
