"""Phones whose clocks are slow, fast, set anew; frames that come late; backlogs that look like slow clocks."""

from __future__ import annotations

import random

import pytest

from geo.device_clock import DEFAULT_TOLERANCE, DeviceClock

NOW = 1_800_000_000.0


@pytest.mark.parametrize("slow_s", [0.0, 5.0, 120.0, 300.0, -1.5, -120.0, -3600.0, -86_400.0 * 365])
@pytest.mark.parametrize("is_sent", [True, False])
def test_one_live_frame_is_enough(slow_s: float, is_sent: bool) -> None:
    clock = DeviceClock()
    assert clock.offset_s == 0.0
    assert clock.hear(NOW - slow_s, NOW, is_sent=is_sent) == slow_s == clock.offset_s


def test_an_hour_slow_is_believed_at_once_only_from_a_send_time() -> None:
    assert DeviceClock().hear(NOW - 3600, NOW, is_sent=True) == 3600.0
    clock = DeviceClock()
    # It may as well be a position that the phone had kept: three frames in step with time tell.
    offsets = [clock.hear(NOW - 3600 + n * 5, NOW + n * 5) for n in range(4)]
    assert offsets == [0.0, 0.0, 3600.0, 3600.0]


@pytest.mark.parametrize("every_s", [2.0, 5.0, 15.0, 60.0])
def test_a_backlog_that_is_emptied_is_no_slow_clock(every_s: float) -> None:
    clock, at_s, now_s = DeviceClock(), NOW - 7200, NOW
    while at_s < now_s - 1:
        assert abs(clock.hear(at_s, now_s)) <= 600.0
        at_s += every_s * 50
        now_s += 1.0
    clock.hear(now_s - 0.3, now_s)
    assert clock.offset_s == pytest.approx(0.3)


def test_a_frame_just_as_far_off_as_latency_may_be_is_one_of_the_same_clock() -> None:
    t = DEFAULT_TOLERANCE
    for off_s, offset_s in ((t.same_s, t.fade), (t.same_s + 0.25, 0.0), (-t.same_s, -t.same_s), (-30.25, 0.0)):
        clock = DeviceClock()
        for n in range(t.frames):
            clock.hear(NOW + n, NOW + n)
        now_s = NOW + t.frames
        assert clock.hear(now_s - off_s, now_s) == pytest.approx(offset_s), off_s


def test_a_backlog_of_a_known_phone_changes_nothing() -> None:
    clock = DeviceClock()
    for n in range(5):
        clock.hear(NOW - 120 + n, NOW + n)
    before = clock.offset_s
    for n in range(20):
        clock.hear(NOW - 5000 + n * 60, NOW + 10 + n)
    assert clock.offset_s == before == 120.0


def test_latency_only_makes_later() -> None:
    clock, rng = DeviceClock(), random.Random(1)
    for n in range(500):
        clock.hear(NOW + n * 5 - 300.0, NOW + n * 5 + rng.choice([0.05, 0.2, 1.0, 8.0, 25.0]), is_sent=True)
    assert 300.0 <= clock.offset_s <= 301.0


def test_a_stale_first_frame_is_mended_by_the_next() -> None:
    clock = DeviceClock()
    clock.hear(NOW - 400, NOW)
    assert clock.hear(NOW + 0.8, NOW + 1) == pytest.approx(0.2)


def test_one_wrong_time_does_not_move_a_well_known_clock() -> None:
    clock = DeviceClock()
    for n in range(5):
        clock.hear(NOW + n, NOW + n + 0.1)
    for odd_s in (86_400.0 * 365, -86_400.0 * 7168, 3600.0):
        clock.hear(NOW + 6 + odd_s, NOW + 6)
        assert clock.offset_s == pytest.approx(0.1, abs=0.01)
    clock.hear(NOW + 7, NOW + 7.2)
    assert clock.offset_s == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(
    ("before_s", "after_s"), [(300.0, 0.2), (0.2, 300.0), (0.2, 3600.0), (-3600.0, 0.2), (0.2, -60.0)]
)
def test_a_clock_that_is_set_is_followed_after_three_frames(before_s: float, after_s: float) -> None:
    clock = DeviceClock()
    for n in range(5):
        clock.hear(NOW + n * 5 - before_s, NOW + n * 5)
    for n in range(5, 8):
        clock.hear(NOW + n * 5 - after_s, NOW + n * 5)
    assert clock.offset_s == pytest.approx(after_s, abs=0.01)


def test_drift_is_followed() -> None:
    """Fifty millionths, both ways: a bad quartz. And an estimate that was too small fades."""
    for drift in (5e-5, -5e-5):
        clock = DeviceClock()
        for n in range(2000):
            now_s = NOW + n * 15
            clock.hear(now_s - 100 - n * 15 * drift, now_s + 0.2)
        assert clock.offset_s == pytest.approx(100.2 + 2000 * 15 * drift, abs=0.05)


def test_the_sum_is_exact_for_the_frame_that_tells() -> None:
    clock = DeviceClock()
    device_s = 1_759_999_123.457
    assert device_s + clock.hear(device_s, NOW, is_sent=True) == NOW
