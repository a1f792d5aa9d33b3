"""Papers of people: what a number of a kind looks like, and what of it is kept."""

from __future__ import annotations

import re

#: Twelve digits (R83); a PAN is five letters, four digits and a letter.
AADHAAR = re.compile(r"[0-9]{12}")
PAN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]")

#: Verhoeff's dihedral group D5: multiplication, and the permutations of a digit by its place.
#: Source: J. Verhoeff, "Error Detecting Decimal Codes", 1969; UIDAI uses it for the last digit of an Aadhaar number.
_PRODUCT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_PLACES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip


def check_digit_holds(digits: str) -> bool:
    """Whether the last digit is Verhoeff's for those before it."""
    product = 0
    for place, digit in enumerate(reversed(digits)):
        product = _PRODUCT[product][_PLACES[place % 8][int(digit)]]
    return product == 0
