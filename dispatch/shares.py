"""Parts of an amount of money: one rule of rounding for every share."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def percent_of(amount_minor: int, percent: Decimal) -> int:
    """`percent` % of an amount, rounded half up to the minor unit."""
    return int((Decimal(amount_minor) * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def earning_minor(grand_total_minor: int, share_percent: Decimal | float) -> int:
    """The technician's share of a grand total (C6), rounded half up to the minor unit."""
    return percent_of(grand_total_minor, Decimal(str(share_percent)))
