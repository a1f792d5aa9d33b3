"""How values are read, pure: by type, blank or too long, and shown as they were meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dispatch.parties.custom_fields import formatted, kept, shown
from storage.custom_fields import CustomField, Kept

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def field(kind: str) -> CustomField:
    options = ["red", "blue"] if kind in ("select", "radio") else []
    return CustomField(1, "partner", "f", "F", kind, options, False, True, 1, NOW, NOW)


@pytest.mark.parametrize(("kind", "given", "value", "read", "words"), [
    ("text", " x ", "x", "x", "x"), ("text", 5, "5", "5", "5"), ("number", "2.50", "2.50", 2.5, "2.50"),
    ("number", 3, "3", 3, "3"), ("checkbox", True, "true", True, "Yes"), ("checkbox", "off", "false", False, "No"),
    ("date", "2026-01-31", "2026-01-31", "2026-01-31", "2026-01-31"), ("select", "red", "red", "red", "red"),
    ("datetime", "2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00+00:00", "2026-01-31T09:00:00+00:00",
     "2026-01-31 09:00"),
])  # fmt: skip
def test_read_and_shown(kind: str, given: Any, value: str, read: Any, words: str) -> None:
    assert kept(field(kind), given) == value
    row = Kept("1", 1, "f", "F", kind, value)
    assert (shown(row), formatted(row)) == (read, words)


@pytest.mark.parametrize(("kind", "given"), [
    ("number", "1e5"), ("number", "NaN"), ("number", "1" * 16), ("number", True), ("text", "x" * 501), ("text", [1]),
    ("email", "a@b"), ("date", "2026-13-01"), ("datetime", "soon"), ("select", "green"), ("checkbox", "maybe"),
])  # fmt: skip
def test_refused(kind: str, given: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        kept(field(kind), given)


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_blank_is_no_value(blank: Any) -> None:
    assert kept(field("number"), blank) is None
