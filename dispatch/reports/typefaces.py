"""The types that PDFs are set in: one for Latin letters and signs of currencies, and one for each script of India."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

SIGNS: Mapping[str, str] = {
    "INR": "\u20b9", "PHP": "\u20b1", "EUR": "\u20ac", "GBP": "\u00a3", "NGN": "\u20a6", "USD": "$",
}  # fmt: skip
_FOLDER = Path(__file__).parent / "fonts"
_PLAIN, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
#: Where the letters of a script stand among all letters, first and last, and the type that has them.
_SCRIPTS: Sequence[tuple[int, int, str]] = (
    (0x0600, 0x06FF, "NotoSansArabic"),
    (0x0750, 0x077F, "NotoSansArabic"),
    (0x0900, 0x097F, "NotoSansDevanagari"),
    (0x0980, 0x09FF, "NotoSansBengali"),
    (0x0A00, 0x0A7F, "NotoSansGurmukhi"),
    (0x0A80, 0x0AFF, "NotoSansGujarati"),
    (0x0B00, 0x0B7F, "NotoSansOriya"),
    (0x0B80, 0x0BFF, "NotoSansTamil"),
    (0x0C00, 0x0C7F, "NotoSansTelugu"),
    (0x0C80, 0x0CFF, "NotoSansKannada"),
    (0x0D00, 0x0D7F, "NotoSansMalayalam"),
    (0xFB50, 0xFDFF, "NotoSansArabic"),
    (0xFE70, 0xFEFF, "NotoSansArabic"),
)
#: Shapes that belong to no letter of their own are known to the PDF library as private letters, from here on.
_PRIVATE = 0xE000
# Two types of one name in one document would spoil it: each is made once, whatever threads ask for it.
_making = Lock()
_made: dict[str, Typeface] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Typeface:
    """`letters` are those it has; `shaper` is HarfBuzz's font; `codes` names each of its shapes to the PDF library."""

    name: str
    letters: frozenset[str]
    shaper: Any
    codes: Sequence[str]
    units_per_em: int


def types() -> tuple[str, str]:
    """The names of the plain and the bold type, known to the PDF library from now on."""
    typeface(_PLAIN)
    typeface(_BOLD)
    return _PLAIN, _BOLD


@cache
def letters() -> frozenset[str]:
    """What both of `types` have."""
    return typeface(_PLAIN).letters & typeface(_BOLD).letters


def typeface(name: str) -> Typeface:
    """One of `types`, or of a script, by its name."""
    if (made := _made.get(name)) is None:
        with _making:
            made = _made.get(name) or _loaded(name)
            _made[name] = made
    return made


@lru_cache(maxsize=4096)
def type_for(letter: str, *, is_bold: bool = False, last: Typeface | None = None) -> Typeface | None:
    """The type that a letter is set in, `last` where it has it too; None where none has it.

    Scripts have no bold type: their letters are set in the plain one.
    """
    own = typeface(_BOLD if is_bold else _PLAIN)
    if letter in own.letters:
        return own
    if last is not None and letter in last.letters:
        return last
    found = next((name for first, end, name in _SCRIPTS if first <= ord(letter) <= end), None)
    if found is None:
        return None
    script = typeface(found)
    return script if letter in script.letters else None


def money(minor: int, currency: str) -> str:
    """\u20b11,234.50; a currency whose sign we have not by its code."""
    written = f"{abs(minor) // 100:,}.{abs(minor) % 100:02d}"
    sign = SIGNS.get(currency)
    return ("-" if minor < 0 else "") + (f"{sign}{written}" if sign else f"{written} {currency}")


def _loaded(name: str) -> Typeface:
    import uharfbuzz
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    path = str(_FOLDER / f"{name}.ttf")
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(path))
    shaper = uharfbuzz.Font(face)
    font = TTFont(name, path)
    known = font.face
    own = dict(known.charToGlyph)
    # The first letter of a shape names it, so that a reader of the file finds that letter again.
    named = {shape: code for code, shape in sorted(own.items(), reverse=True)}
    codes = []
    for shape in range(face.glyph_count):
        code = named.get(shape)
        if code is None:
            code = _PRIVATE + shape
            known.charToGlyph[code] = shape
            known.charWidths[code] = shaper.get_glyph_h_advance(shape) * 1000 / face.upem
        codes.append(chr(code))
    pdfmetrics.registerFont(font)
    return Typeface(name, frozenset(map(chr, own)), shaper, tuple(codes), face.upem)
