"""A file is what stands in it, whatever it is called."""

from __future__ import annotations

from io import BytesIO

import pytest

from dispatch.ports import media
from tests.files import JPEG, PDF, PNG, WEBP, package


@pytest.mark.parametrize(("content", "name", "kind"), [
    (PNG, "a.pdf", media.PNG), (JPEG, "a", media.JPEG), (PDF, "a.png", media.PDF), (WEBP, "a", media.WEBP),
    (b"GIF89a" + bytes(9), "a", media.GIF), (package("xl/"), "a.docx", media.XLSX), (package("word/"), "a", media.DOCX),
    (b"name,price\nFacial,10\n", "list.CSV", media.CSV), ("é,ü\n".encode() * 5000, "a.csv", media.CSV),
    (b"just words", "a", media.TEXT),
    (package("evil/"), "a.xlsx", None), (b"PK\x03\x04broken", "a.xlsx", None), (b"\x00\x01\x02", "a.csv", None),
    (b"\xef\xbb\xbf <SVG onload=alert(1)>", "a.csv", None),
    (b"<html>", "a.txt", None), (b"\xfe\xfd" * 99, "a.txt", None),
])  # fmt: skip
def test_the_kind_is_read_from_the_content(content: bytes, name: str, kind: str | None) -> None:
    file = BytesIO(content)
    assert media.media_type_of(file, name) == kind
    assert file.tell() == 0


def test_kinds_are_listed_for_people() -> None:
    table = {"text/csv", "application/csv", "application/vnd.ms-excel", "application/octet-stream", "text/plain"}
    assert media.listed(table) == "csv or text"
    assert media.listed({media.PDF, media.PNG, media.JPEG}) == "jpeg, pdf or png"
    assert media.listed([media.XLSX]) == "xlsx"
