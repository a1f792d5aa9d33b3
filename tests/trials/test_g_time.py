"""Nothing is done before its time, the last day is a day, and hours may go over midnight."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trials.callers import Trial
from tests.trials.people import Customer, Technician, day, whose_offer


async def test_a_job_is_not_begun_days_before_its_start(trial: Trial) -> None:
    customer = await Customer.new(trial)
    booking = await customer.booking(days=6)
    technician = await whose_offer(trial, booking)
    path = f"/v1/partner/bookings/{booking['id']}"
    await technician.ok("POST", f"{path}/accept", {})
    for step in ("in_transit", "arrived", "in_progress"):
        reply = await technician.call("PATCH", f"{path}/status", {"status": step})
        assert 400 <= reply.status < 500, (step, reply.body)
    assert 400 <= (await technician.call("POST", f"{path}/complete", {})).status < 500


async def test_the_last_day_has_as_many_times_as_one_before(trial: Trial) -> None:
    customer = await Customer.new(trial)
    _, last = await customer.prepared(days=30)
    _, before = await customer.prepared(days=29)
    assert len(last["available_time_slots"]) >= len(before["available_time_slots"]) // 2


WEEK = [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "hours",
    [
        {"start": "18:00", "end": "02:00", "days": WEEK},
        {"start": "00:00", "end": "24:00", "days": WEEK},
        {"start": "08:00", "end": "20:00", "days": WEEK, "breaks": [{"start": "12:00", "end": "13:00"}]},
        {"start": "08:00", "end": "20:00", "days": WEEK},
    ],
)
async def test_hours_may_go_over_midnight_and_have_breaks(trial: Trial, hours: dict[str, Any]) -> None:
    technician = await Technician.new(trial)
    reply = await technician.call("PUT", "/v1/partner/working-hours", {"working_hours": hours})
    assert reply.status == 200, reply.body
    assert reply.data["working_hours"]["start"] == hours["start"]


async def test_a_day_off_is_taken_and_given_back(trial: Trial) -> None:
    technician = await Technician.new(trial)
    await technician.ok("PUT", f"/v1/partner/days-off/{day(20)}", {})
    off = await technician.ok("GET", "/v1/partner/days-off")
    assert day(20) in str(off)
    assert (await technician.call("DELETE", f"/v1/partner/days-off/{day(20)}")).status in (200, 204)
