"""What was found while measuring and can be seen from outside."""

from __future__ import annotations

import asyncio

from tests.trials.callers import Trial
from tests.trials.people import Customer


async def test_a_body_with_alternatives_names_fields_and_no_classes(trial: Trial, customer: Customer) -> None:
    token = await trial.token("service", "trials")
    booking = await customer.booking(days=17)
    reply = await trial.call(
        "POST", f"/v1/internal/bookings/{booking['id']}/assign-partner", {"partner_id": "x", "force": "perhaps"},
        token=token,
    )  # fmt: skip
    assert reply.status == 422, reply.body
    for name in reply.body["error"]["details"]:
        assert not any(part[:1].isupper() for part in name.split(".")), name


async def test_lists_answer_quickly(customer: Customer) -> None:
    async with customer.trial.cheap(2.0):
        for _ in range(10):
            await customer.ok("GET", "/v1/bookings?limit=100")


async def test_a_quiet_server_costs_next_to_nothing(trial: Trial) -> None:
    async with trial.cheap(1.0):
        await asyncio.sleep(3.0)
