"""An invoice is drawn on as many pages as it needs, whatever stands in it."""

from __future__ import annotations

from datetime import date

from dispatch.reports.invoice_pdf import Invoice, InvoiceLine, draw


def test_long_invoices_take_more_pages_and_strange_letters_do_no_harm() -> None:
    def made(lines: int) -> bytes:
        line = InvoiceLine("Facial \u0996 " + "x" * 200, "1", "1.00 INR", "1.00 INR")
        sums = [("Total", "1.00 INR")]
        return draw(Invoice("BK-1", date(2026, 1, 5), ["Us"], ["Them \u20b9"], ["A visit"], [line] * lines, sums))

    short, long = made(1), made(120)
    assert short.startswith(b"%PDF-") and short.rstrip().endswith(b"%%EOF")
    assert short.count(b"/Type /Page\n") == 1 and long.count(b"/Type /Page\n") == 3
