"""Fields of text that several audiences take."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from annotated_types import GroupedMetadata
from pydantic import AfterValidator, BeforeValidator, StringConstraints

#: Letters by their category, and empty all the same.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _readable(value: str) -> str:
    if all(char in _BLANK_LETTERS or unicodedata.category(char)[0] in "CZM" for char in value):
        raise ValueError("this holds nothing that can be seen")
    return value


def _absent(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


#: Of an optional field that no blank could fill: a form that leaves it blank leaves it out.
BLANK_IS_ABSENT = BeforeValidator(_absent)


@dataclass(frozen=True)
class _Line(GroupedMetadata):
    most: int

    def __iter__(self) -> Iterator[object]:
        yield from StringConstraints(strip_whitespace=True, min_length=1, max_length=self.most)
        yield AfterValidator(_readable)


def text(most: int) -> Any:
    """A line that says something that can be seen, of at most so many characters."""
    return _Line(most)
