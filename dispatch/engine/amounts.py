"""What a booking asks of its customer besides its price: the one answer behind every screen that names a price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Asked(Protocol):
    """A row that carries what the booking's payments ask for, in minor units."""

    @property
    def status(self) -> str: ...

    @property
    def wallet_minor(self) -> int: ...

    @property
    def outstanding_fee_minor(self) -> int: ...

    @property
    def to_collect_minor(self) -> int: ...

    @property
    def collected_minor(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Amounts:
    """In minor units: price - wallet + outstanding fee is what is left to pay; in cash that is `to_collect_minor`."""

    wallet_minor: int
    outstanding_fee_minor: int
    to_collect_minor: int
    collected_minor: int


def amounts_of(row: Asked) -> Amounts:
    """What the technician has to take at the door and what it is made of; of a booking that is over, nothing more."""
    is_over = row.status in ("completed", "cancelled", "refunded")
    return Amounts(
        row.wallet_minor, row.outstanding_fee_minor, 0 if is_over else row.to_collect_minor, row.collected_minor
    )
