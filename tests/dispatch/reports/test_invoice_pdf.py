"""An invoice is drawn on as many pages as it needs, whatever stands in it."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.invoice_pdf import Invoice, InvoiceLine, draw
from tests.dispatch.reports.papers import NAMES, said


def test_long_invoices_take_more_pages_and_strange_letters_do_no_harm() -> None:
    def made(lines: int) -> bytes:
        line = InvoiceLine("Facial \u0996 " + "x" * 200, "1", "1.00 INR", "1.00 INR")
        sums = [("Total", "1.00 INR")]
        return draw(Invoice("BK-1", date(2026, 1, 5), ["Us"], ["Them \u20b9"], ["A visit"], [line] * lines, sums))

    short, long = made(1), made(120)
    assert short.startswith(b"%PDF-") and short.rstrip().endswith(b"%%EOF")
    assert short.count(b"/Type /Page\n") == 1 and long.count(b"/Type /Page\n") == 3


def test_names_in_letters_of_india_are_on_it() -> None:
    line = InvoiceLine(f"{NAMES['Devanagari']} " * 9, "1", "₹1.00", "₹1.00")
    # An address that is longer than a line goes on in the next one.
    buyer = [*NAMES.values(), f"{NAMES['Bengali']}, 12 Park Street, Kolkata " * 5]
    found = said(draw(Invoice("BK-1", date(2026, 1, 5), ["Us"], buyer, ["A visit"], [line], [("Total", "₹1.00")])))
    for script, name in NAMES.items():
        if script != "Arabic":
            assert set(name.split()) <= set(found)
    assert found.count(NAMES["Bengali"].split()[0]) == 6 and found.count("श्रीमती") < 10


@given(st.text())
def test_any_text_may_stand_on_it(text: str) -> None:
    line = InvoiceLine(text, text, text, text)
    draw(Invoice(text, date(2026, 1, 5), [text], [text], [text], [line], [(text, text)], [text]))
