"""The watchdog's judgement, without a database: warn after two bad looks, take away after a while, forgive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.engine.watchdog import Memory, Thresholds, View, assess

T = Thresholds()
START = 10_000.0
ON_THE_WAY = View(START - 900, START, "in_transit", 3000.0, 5.0, 600.0)


def run(views: list[View], memory: Memory = Memory()) -> list[tuple[str, str | None]]:
    seen = []
    for view in views:
        result = assess(view, memory, T)
        memory = result.memory
        seen.append((result.action, result.problem))
    return seen


def test_progress_is_left_alone() -> None:
    views = [replace(ON_THE_WAY, now_s=START - 900 + 60 * n, distance_m=3000.0 - 200 * n) for n in range(12)]
    assert run(views) == [("none", None)] * 12


@pytest.mark.parametrize(
    ("problem", "change"),
    [("dark", {"fix_age_s": 181.0}), ("dark", {"fix_age_s": None}), ("late", {"state": "accepted", "now_s": START + 1})],
)
def test_a_problem_is_warned_once_then_the_job_is_taken_away(problem: str, change: dict[str, object]) -> None:
    bad = replace(ON_THE_WAY, **change)
    views = [replace(bad, now_s=bad.now_s + 60 * n) for n in range(12)]
    assert run(views) == [("none", problem), ("warn", problem), *[("none", problem)] * 9, ("reassign", problem)]


def test_standing_still_and_moving_away() -> None:
    still = [replace(ON_THE_WAY, now_s=ON_THE_WAY.now_s + 60 * n) for n in range(14)]
    assert run(still)[11:14] == [("none", "stalled"), ("warn", "stalled"), ("none", "stalled")]
    away = [replace(ON_THE_WAY, now_s=ON_THE_WAY.now_s + 60 * n, distance_m=3000.0 + 200 * n) for n in range(4)]
    assert run(away) == [("none", None), ("none", None), ("none", "moving_away"), ("warn", "moving_away")]


def test_one_bad_look_is_forgiven() -> None:
    dark = replace(ON_THE_WAY, fix_age_s=500.0)
    assert [a for a, _ in run([dark, ON_THE_WAY, dark, ON_THE_WAY])] == ["none"] * 4


def test_early_jobs_are_looked_at_when_it_is_time() -> None:
    early = replace(ON_THE_WAY, state="accepted", now_s=0.0, fix_age_s=None)
    result = assess(early, Memory(), T)
    assert result.action == "none" and result.next_look_s == START - 600 - T.late_grace_s


def test_the_arrived_are_not_judged() -> None:
    assert assess(replace(ON_THE_WAY, state="arrived", fix_age_s=None), Memory(best_m=1.0), T).memory == Memory()
