"""Phones as they are: optional values that say nothing, wrong clocks, backlogs."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.trials.callers import Trial
from tests.trials.people import Technician, fix

LAT, LNG = 22.5726, 88.3639


async def report(trial: Trial, fixes: list[Any], **more: Any) -> dict[str, Any]:
    who = await Technician.new(trial)
    async with trial.socket("/technician", who.token) as socket:
        for number in range(1, 4):
            answer = await socket.ask("location.report", {"fixes": fixes, **more}, number)
            if answer["ok"] or answer["error"]["code"] != "rate_limited":
                break
            await asyncio.sleep(answer["error"]["details"]["retry_after_s"])
        return answer


@pytest.mark.parametrize(
    "values", [(10, -1, -1), (10, None, None), (-1, None, None), (None, None, None), (10, 1850, 90), (10, 3, 400), ()]
)
async def test_an_optional_value_that_says_nothing_is_absent(trial: Trial, values: tuple[Any, ...]) -> None:
    answer = await report(trial, [fix(LAT, LNG, *values)])
    assert answer["ok"], answer


async def test_each_fix_of_a_batch_is_judged_alone(trial: Trial) -> None:
    good = [fix(LAT + n * 0.0001, LNG, 10, age_s=60 - 5 * n) for n in range(10)]
    answer = await report(trial, [*good, [1, 2], fix(95.0, LNG), fix(0.0, 0.0)])
    assert answer["ok"], answer
    taken = sum(answer["data"].get(name, 0) for name in ("admitted", "refreshed", "recorded"))
    assert taken >= 5, answer


@pytest.mark.parametrize("behind_s", [120.0, 300.0, 3600.0, -120.0])
async def test_a_phone_whose_clock_is_wrong_is_on_the_map(trial: Trial, behind_s: float) -> None:
    one = fix(LAT, LNG, 10, age_s=behind_s)
    answer = await report(trial, [one], sent_at_ms=one[0])
    assert answer["ok"], answer
    assert answer["data"]["admitted"] == 1, answer


async def test_a_batch_that_is_refused_for_its_rate_is_not_taken(trial: Trial) -> None:
    who = await Technician.new(trial)
    async with trial.socket("/technician", who.token) as socket:
        answers = [await socket.ask("location.report", {"fixes": [fix(LAT + n * 1e-5, LNG, 10)]}, n) for n in range(30)]
    refused = [one for one in answers if not one["ok"]]
    assert refused, "thirty reports at once are too many"
    for one in refused:
        assert one["error"]["details"]["retry_after_s"] > 0, one
    for one in answers:
        assert "rate" not in one.get("data", {}).get("dropped", {}), one


async def test_newest_first_is_as_good_as_oldest_first(trial: Trial) -> None:
    fixes = [fix(LAT + n * 0.0003, LNG, 10, age_s=100 - 10 * n) for n in range(8)]
    # It says when it sends, so that it is known how old they are, whatever the domain's clock says.
    answer = await report(trial, fixes[::-1], sent_at_ms=int(time.time() * 1000))
    assert answer["ok"], answer
    assert answer["data"]["admitted"] == 8, answer
