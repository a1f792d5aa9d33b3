"""A file of partners is read: commas or semicolons, quotes, blank lines, what an export made safe; else refused."""

from __future__ import annotations

import pytest

from dispatch.errors import Invalid
from dispatch.parties.partner_imports import MOST_ROWS, read


def test_lines_and_their_cells() -> None:
    text = "\ufeffname;code;phone\r\n\r\n\"A; B\";X1;'+33123\r\n;;\r\nC;'-x;\r\n"
    assert read(text.encode()) == [
        (3, {"name": "A; B", "code": "X1", "phone": "+33123"}), (5, {"name": "C", "code": "-x"}),
    ]  # fmt: skip
    assert read(b"name,note\nx,'quoted\n") == [(2, {"name": "x", "note": "'quoted"})]


@pytest.mark.parametrize("content", [
    b"", b"name\n", b"\n", b"\xff\xfe", ("name\n" + "x\n" * (MOST_ROWS + 1)).encode(), ("a," * 201).encode(),
])  # fmt: skip
def test_refused(content: bytes) -> None:
    with pytest.raises(Invalid) as error:
        read(content)
    assert "file" in error.value.fields
