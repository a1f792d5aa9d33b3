"""The domain's time: shifted, scaled, standing still."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from dispatch.clock import Clock, Reading

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's time, to be moved by hand."""
    at = [1_000.0]
    monkeypatch.setattr("dispatch.clock.time.time", lambda: at[0])
    return at


def test_by_itself_it_is_the_machines(real: list[float]) -> None:
    clock = Clock()
    assert (clock.timestamp(), clock.ahead_s, clock.speed) == (1_000.0, 0.0, 1.0)
    assert clock.now() == datetime.fromtimestamp(1_000, UTC)


def test_it_stands_still_and_nothing_ever_comes(real: list[float]) -> None:
    clock = Clock(Reading(0.0, NOON.timestamp(), 0.0))
    real[0] += 3_600
    assert clock.now() == NOON
    assert clock.real_seconds_until(NOON + timedelta(seconds=1)) == math.inf
    assert clock.real_seconds_until(NOON) == 0.0


def test_a_scaled_one_goes_on_from_where_it_was(real: list[float]) -> None:
    clock = Clock(Reading(1_000.0, NOON.timestamp(), 1.0))
    real[0] += 60
    clock.set(clock.scaled(20.0))
    assert clock.now() == NOON + timedelta(minutes=1)
    real[0] += 60
    assert clock.now() == NOON + timedelta(minutes=21)
    assert clock.real_seconds_until(NOON + timedelta(minutes=41)) == 60.0
    assert clock.real_seconds_until(NOON) == 0.0


def test_a_shifted_one_keeps_its_speed(real: list[float]) -> None:
    clock = Clock(Reading(1_000.0, NOON.timestamp(), 2.0))
    clock.set(clock.shifted(timedelta(days=-1)))
    assert (clock.now(), clock.speed) == (NOON - timedelta(days=1), 2.0)
    assert clock.ahead_s == NOON.timestamp() - 86_400 - 1_000


def test_one_that_is_corrected_goes_by_the_other_clock(real: list[float]) -> None:
    clock = Clock(Reading(1_000.0, NOON.timestamp(), 2.0))
    clock.correct(61.0)
    assert clock.now() == NOON + timedelta(seconds=122)
    assert clock.real_seconds_until(NOON + timedelta(seconds=124)) == 1.0
    assert clock.ahead_s == NOON.timestamp() - 1_000 + 61
    assert clock.shifted(timedelta()).real_at == clock.scaled(1.0).real_at == 1_061.0
