"""What a simulation ends with: whether it is clean, and in words."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from dispatch.simulation.report import Report, percentile

EMPTY: dict[str, Any] = {"int": 0, "float": 0.0, "float | None": None, "dict[str, int]": {}, "list[str]": []}
CLEAN = Report(**{f.name: EMPTY[str(f.type)] for f in fields(Report)})


@pytest.mark.parametrize("wrong", [{"missed_events": 1}, {"errors": 1}, {"left_waiting": ["BK-1"]}])
def test_clean_is_nothing_missed_nothing_wrong_and_nobody_left_waiting(wrong: dict[str, Any]) -> None:
    assert CLEAN.is_clean
    assert not replace(CLEAN, **wrong).is_clean


def test_its_words_tell_what_was_wrong() -> None:
    said = replace(CLEAN, errors=1, error_words=["it broke"], left_waiting=["BK-7"], assign_p50_s=12.4).text()
    assert "it broke" in said and "BK-7" in said and "p50 12 s, p95 -" in said
    assert "Errors" not in CLEAN.text()


def test_the_nearest_rank() -> None:
    assert percentile([], 0.5) is None
    assert [percentile([3.0, 1.0, 2.0, 4.0], share) for share in (0.0, 0.25, 0.5, 0.95, 1.0)] == [1, 1, 2, 4, 4]
