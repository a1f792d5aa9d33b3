"""What a file is by what stands in it: its name and whoever sent it may say anything."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import IO

PDF, PNG, JPEG, GIF, WEBP = "application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"
CSV, TEXT = "text/csv", "text/plain"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

#: So much of the beginning tells.
_HEAD_BYTES = 4096
_BEGINNINGS = {b"%PDF-": PDF, b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG, b"GIF87a": GIF, b"GIF89a": GIF}
_ZIP = b"PK\x03\x04"
#: The folder of a package that says which program it is for (ECMA-376, part 2).
_PACKAGES = {"xl/": XLSX, "word/": DOCX}
#: What is as good as nothing else: a page or a drawing may hold a script.
_MARKUP = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script")

#: What programs declare for a table besides its own type; nobody chooses a file by them.
_OTHERWISE = {"application/octet-stream", "application/vnd.ms-excel"}
_WORDS = {XLSX: "xlsx", DOCX: "docx", TEXT: "text"}


def listed(kinds: Iterable[str]) -> str:
    """Some kinds in words: "jpeg, pdf or png"."""
    names = sorted({_WORDS.get(kind) or kind.rsplit("/", 1)[-1] for kind in kinds if kind not in _OTHERWISE})
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def media_type_of(content: IO[bytes], name: str) -> str | None:
    """The media type of a file, None for what is none of those above. Reads from its start and goes back there.

    Text has no mark of its own: its name says whether it is a table.
    """
    content.seek(0)
    head = content.read(_HEAD_BYTES)
    content.seek(0)
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(_ZIP):
        return _package(content)
    return _text(head, name)


def _package(content: IO[bytes]) -> str | None:
    try:
        with zipfile.ZipFile(content) as package:
            names = package.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return None
    finally:
        content.seek(0)
    if "[Content_Types].xml" not in names:
        return None
    return next((kind for folder, kind in _PACKAGES.items() if any(n.startswith(folder) for n in names)), None)


def _text(head: bytes, name: str) -> str | None:
    try:
        # A character may have been cut in two at the end.
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return None
    if b"\x00" in head or head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        return None
    return CSV if name.lower().endswith(".csv") else TEXT
