"""A line that says something that can be seen."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from api.shared.texts import text

LINE: TypeAdapter[str] = TypeAdapter(Annotated[str, text(5)])


@pytest.mark.parametrize("value", ["a", "é", "আশা", "-", "\u200ba", "12345"])
def test_what_can_be_seen_passes(value: str) -> None:
    assert LINE.validate_python(value) == value


def test_blanks_around_it_are_no_part_of_it() -> None:
    assert LINE.validate_python("  abc \n") == "abc"


@pytest.mark.parametrize(
    "value",
    ["", " ", "\u200b", "\u2060\u200d", "\u00a0", "\u202e\u202c", "\u3164", "\u2800", "\u115f", "\u0301", "123456"],
)
def test_what_nobody_can_see_or_is_too_long_does_not(value: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(value)
