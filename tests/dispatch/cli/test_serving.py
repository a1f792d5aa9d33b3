"""What `serve` says of a data folder whose time is not the machine's."""

from __future__ import annotations

import time

import pytest

from dispatch.cli.serving import of_clock
from dispatch.clock import Clock, Reading


@pytest.mark.parametrize(
    ("ahead_s", "words"), [(14.7 * 3600, "14.7 hours ahead of"), (-7200, "2.0 hours behind"), (30, None), (0, None)]
)
def test_a_time_that_a_demo_left_ahead_is_said(ahead_s: float, words: str | None) -> None:
    now = time.time()
    said = of_clock(Clock(Reading(now, now + ahead_s, 1.0)))
    assert said is None if words is None else said is not None and words in said
    if said is not None:
        assert "--data" in said, "it says what to do"
