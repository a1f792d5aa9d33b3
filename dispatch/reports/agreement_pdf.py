"""The agreement that an organisation accepts, as PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence

from dispatch.reports.pen import Pen

#: What both sides agree on; who has accepted it stands with the organisation's onboarding.
CLAUSES: Sequence[tuple[str, str]] = (
    ("Services", "{brand} arranges home and facility services that {organisation} and its members book."),
    ("Members", "{organisation} enrolls its members and answers for what they book within their limits and budgets."),
    ("Prices", "Prices are those shown at the booking, less the discounts that both sides have agreed on in writing."),
    ("Billing", "Done bookings are billed by invoice; an invoice is paid within the terms of the billing settings."),
    ("Cancellation", "A booking that is cancelled late may cost the fee that is shown when it is cancelled."),
    ("Personal data", "Names and numbers of members are used for their bookings only and erased when they ask for it."),
    ("End", "Either side may end this agreement with thirty days of notice; what is booked until then is served."),
)
_LEFT, _TOP, _STEP, _ROOM = 50.0, 790.0, 15.0, 495.0


def draw(brand: str, organisation: str, code: str) -> bytes:
    """The file. Takes milliseconds: call it in a thread."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"Partnership Agreement {code}")
    pen = Pen(canvas)
    y = _TOP
    pen.take(16, is_bold=True)
    pen.write(_LEFT, y, "Partnership Agreement")
    y -= _STEP
    pen.take(10)
    for line in pen.wrapped(f"between {brand} and {organisation} ({code})", _ROOM):
        y -= _STEP
        pen.write(_LEFT, y, line)
    for number, (title, text) in enumerate(CLAUSES, 1):
        y -= 2 * _STEP
        pen.take(10, is_bold=True)
        pen.write(_LEFT, y, f"{number}. {title}")
        pen.take(9)
        for line in pen.wrapped(text.format(brand=brand, organisation=organisation), _ROOM):
            y -= _STEP
            pen.write(_LEFT, y, line)
    canvas.save()
    return out.getvalue()
