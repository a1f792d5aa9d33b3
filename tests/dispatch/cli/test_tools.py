"""What commands print for scripts."""

from __future__ import annotations

import io
import sys

import pytest

from dispatch.cli.tools import write_json


def test_json_is_utf_8_whatever_the_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "ascii"))
    print("first")
    write_json({"name": "Zürich \u20b9"})
    assert out.getvalue().decode() == 'first\n{\n  "name": "Zürich \u20b9"\n}\n'
