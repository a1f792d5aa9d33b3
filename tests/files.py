"""Small files of every kind for tests."""

from __future__ import annotations

import zipfile
from io import BytesIO

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
WEBP = b"RIFF\x20\x00\x00\x00WEBPVP8 " + bytes(24)


def package(folder: str) -> bytes:
    """A zip that looks like a document of an office program."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        zipped.writestr("[Content_Types].xml", "<Types/>")
        zipped.writestr(f"{folder}document.xml", "<x/>")
    return made.getvalue()
