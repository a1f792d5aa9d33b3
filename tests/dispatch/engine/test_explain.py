"""What is kept of an attempt."""

from __future__ import annotations

import pytest

from dispatch.engine import explain
from dispatch.engine.matching import Judged
from tests.dispatch.engine.test_matching import GOOD


def judged(eligible: int, refused: int) -> list[Judged]:
    fit = [Judged(GOOD, None, 1.0 - n / 1000, {}) for n in range(eligible)]
    return fit + [Judged(GOOD, f"reason{n}", None, {}) for n in range(refused)]


@pytest.mark.parametrize(
    ("eligible", "refused", "kept"),
    [
        (0, 0, (0, 0)),
        (3, 12, (3, 12)),
        (150, 9, (20, 9)),
        (150, 500, (20, 20)),
        (0, 500, (0, 40)),
        (8, 500, (8, 32)),
    ],
)
def test_the_best_and_the_nearest_are_kept(eligible: int, refused: int, kept: tuple[int, int]) -> None:
    given = judged(eligible, refused)
    found = explain.kept(given)
    assert found == given[: kept[0]] + given[eligible : eligible + kept[1]]
