"""The fee of a cancellation: free for five minutes and while nobody has accepted (R76, C72)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from dispatch.billing.cancellation import Outcome, Terms, outcome

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
