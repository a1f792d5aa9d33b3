"""What is still to be taken at the door."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dispatch.engine.amounts import Amounts, amounts_of


@pytest.mark.parametrize(
    ("status", "to_collect"),
    [
        ("pending", 700), ("partner_assigned", 700), ("confirmed", 700), ("in_progress", 700), ("completed", 0),
        ("cancelled", 0), ("refunded", 0),
    ],
)  # fmt: skip
def test_of_what_is_over_nothing_more_is_collected(status: str, to_collect: int) -> None:
    row: Any = SimpleNamespace(
        status=status, wallet_minor=300, outstanding_fee_minor=100, to_collect_minor=700, collected_minor=50
    )
    assert amounts_of(row) == Amounts(300, 100, to_collect, 50)
