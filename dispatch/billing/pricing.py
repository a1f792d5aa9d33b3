"""What a booking costs: the contract's arithmetic (conflicts C1 to C5) on integer minor units, pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dispatch.shares import percent_of

TaxBase = Literal["subtotal_less_discount", "net"]


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one service. `list_price_minor` is what it would cost without savings; None: the price
    itself.
    """

    price_minor: int
    quantity: int = 1
    list_price_minor: int | None = None

    @property
    def unit_list_minor(self) -> int:
        return self.price_minor if self.list_price_minor is None else self.list_price_minor


@dataclass(frozen=True, slots=True)
class Price:
    """The pricing block: grand_total = subtotal - savings - discount + tax, always."""

    subtotal_minor: int
    savings_minor: int
    discount_minor: int
    tax_minor: int

    @property
    def net_minor(self) -> int:
        """What the customer pays before tax and promo: the base of a promo code and of min_order."""
        return self.subtotal_minor - self.savings_minor

    @property
    def grand_total_minor(self) -> int:
        return self.net_minor - self.discount_minor + self.tax_minor


def sums(lines: Iterable[Line]) -> tuple[int, int]:
    """Subtotal and savings: list prices, and what the selling prices stay below them (C2)."""
    subtotal = savings = 0
    for line in lines:
        subtotal += line.unit_list_minor * line.quantity
        savings += (line.unit_list_minor - line.price_minor) * line.quantity
    return subtotal, savings


def price(
    lines: Iterable[Line],
    *,
    discount_minor: int = 0,
    tax_percent: Decimal,
    tax_base: TaxBase = "subtotal_less_discount",
) -> Price:
    """The price of some lines with a promo's discount, which never exceeds what is left to pay.

    The contract's example taxes the list price less the discount, savings notwithstanding (C1); `net` taxes
    what
    is charged. Tax is rounded once per booking, half up (C5).
    """
    subtotal, savings = sums(lines)
    discount = min(max(discount_minor, 0), subtotal - savings)
    base = subtotal - discount
    if tax_base == "net":
        base -= savings
    return Price(subtotal, savings, discount, percent_of(base, tax_percent))
