"""The fee of a cancellation: free for five minutes and while nobody has accepted (R76, C72)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from dispatch.billing import cancellation
from dispatch.billing.cancellation import Outcome, Terms, outcome
from tests.dispatch.billing.till import Till
from tests.statements import counted

BOOKED = datetime(2026, 1, 20, 10, tzinfo=UTC)
TERMS = Terms(timedelta(minutes=5), Decimal(10))


@pytest.mark.parametrize(
    ("status", "payment", "minutes", "expected"),
    [
        ("pending", "pending", 60, Outcome(0, 0)),
        ("partner_assigned", "pending", 60, Outcome(0, 0)),
        ("partner_assigned", "paid", 60, Outcome(0, 177_120)),
        ("confirmed", "pending", 4.99, Outcome(0, 0)),
        ("confirmed", "pending", 5, Outcome(17_712, 0)),
        ("confirmed", "paid", 4.99, Outcome(0, 177_120)),
        ("confirmed", "paid", 5, Outcome(17_712, 159_408)),
    ],
)
def test_the_fee_rule(status: str, payment: str, minutes: float, expected: Outcome) -> None:
    booking: Any = SimpleNamespace(status=status, payment_status=payment, created_at=BOOKED, grand_total_minor=177_120)
    paid_minor = 177_120 if payment == "paid" else 0
    assert outcome(booking, BOOKED + timedelta(minutes=minutes), TERMS, paid_minor) == expected


async def test_cancelling_locks_and_reads_each_row_once(till: Till) -> None:
    """Of a booking that is offered eleven statements, of an accepted one with its customer's first fee fourteen."""
    world = till.world
    offered = await world.book(hours=3)
    with counted(world.services.pool) as statements:
        async with world.services.transaction() as tx:
            await cancellation.cancel(tx, offered.id, offered.account_id, "no time")
    assert len(statements) <= 11, statements
    accepted = await world.book(hours=5)
    await world.accept(accepted.id, (await world.open_offer(accepted.id))["technician_id"])
    await world.advance(minutes=10)
    with counted(world.services.pool) as statements:
        async with world.services.transaction() as tx:
            _, cost = await cancellation.cancel(tx, accepted.id, accepted.account_id, "no time")
    assert cost.fee_minor > 0
    assert len(statements) <= 14, statements
    await till.check()
