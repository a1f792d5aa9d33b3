"""CSV: text, and no formula."""

from __future__ import annotations

import csv
import io

from dispatch.reports import csv_writer
from dispatch.reports.rows import Table
from tests.dispatch.reports.papers import NAMES
from tests.dispatch.reports.sheets import batches, made


async def test_csv_is_text_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO((await made(csv_writer.write)).decode(), newline="")))
    assert rows == [
        ["Name", "Amount", "When"],
        ["'=cmd|' /C calc'!A0", "12.5", "2026-01-05 04:30:00"],
        # A number is one, also below zero; text that begins like a formula is kept text.
        ["'+911234567890", "-3", "2026-01-05"],
        ['a "quoted", text\nin two lines', "70.00", "10:00:00"],
        ["", "yes", "' @SUM(A1)"],
    ]


async def test_csv_keeps_names_in_any_letters() -> None:
    table = Table("Names", ("नाम",), batches([[name] for name in NAMES.values()]))
    written = b"".join([piece async for piece in csv_writer.write(table)]).decode()
    assert written.split("\r\n") == ["नाम", *NAMES.values(), ""]
