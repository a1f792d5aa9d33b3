"""The contract's arithmetic, to the paisa."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.billing.pricing import Line, price, sums
from dispatch.shares import percent_of

TAX = Decimal(18)
#: C2: two services with a market price of 1000 and a product cost of 800.
EXAMPLE = [Line(80_000, 1, 100_000), Line(80_000, 1, 100_000)]


def test_the_worked_example() -> None:
    found = price(EXAMPLE, discount_minor=percent_of(160_000, Decimal(10)), tax_percent=TAX)
    assert (found.subtotal_minor, found.savings_minor, found.discount_minor) == (200_000, 40_000, 16_000)
    assert (found.tax_minor, found.grand_total_minor) == (33_120, 177_120)
    assert found.net_minor == 160_000


def test_the_worked_example_taxed_on_what_is_charged() -> None:
    found = price(EXAMPLE, discount_minor=16_000, tax_percent=TAX, tax_base="net")
    assert (found.tax_minor, found.grand_total_minor) == (25_920, 169_920)


def test_a_service_without_a_market_price_has_no_savings() -> None:
    assert sums([Line(50_000, 3)]) == (150_000, 0)


def test_a_repeated_service_is_a_quantity() -> None:
    assert sums([Line(80_000, 2, 100_000)]) == sums(EXAMPLE)


def test_a_discount_never_exceeds_what_is_left_to_pay() -> None:
    found = price([Line(10_000, 1, 12_000)], discount_minor=99_999, tax_percent=TAX)
    assert found.discount_minor == 10_000
    assert found.grand_total_minor == found.tax_minor == percent_of(2_000, TAX)


@pytest.mark.parametrize(
    ("amount", "percent", "expected"),
    [(25, "10", 3), (24, "10", 2), (15, "10", 2), (1, "50", 1), (333, "33.33", 111)],
)
def test_halves_are_rounded_up(amount: int, percent: str, expected: int) -> None:
    assert percent_of(amount, Decimal(percent)) == expected


def _line(price_minor: int, saving: int, quantity: int) -> Line:
    return Line(price_minor, quantity, price_minor + saving)


LINES = st.lists(
    st.builds(_line, st.integers(0, 10**9), st.integers(0, 10**8), st.integers(1, 20)), min_size=1, max_size=8
)


@given(LINES, st.integers(0, 10**10), st.sampled_from(["subtotal_less_discount", "net"]))
def test_the_parts_always_add_up(lines: list[Line], discount: int, base: str) -> None:
    found = price(lines, discount_minor=discount, tax_percent=TAX, tax_base=base)  # type: ignore[arg-type]
    assert found.grand_total_minor == (
        found.subtotal_minor - found.savings_minor - found.discount_minor + found.tax_minor
    )
    assert 0 <= found.savings_minor <= found.subtotal_minor
    assert 0 <= found.discount_minor <= found.net_minor
    assert found.grand_total_minor >= 0
    assert found.subtotal_minor - found.savings_minor == sum(line.price_minor * line.quantity for line in lines)


@given(LINES, st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_discount_never_costs_more(lines: list[Line], one: int, other: int) -> None:
    less, more = sorted((one, other))
    dear = price(lines, discount_minor=less, tax_percent=TAX)
    cheap = price(lines, discount_minor=more, tax_percent=TAX)
    assert cheap.grand_total_minor <= dear.grand_total_minor


@given(LINES)
def test_the_order_of_lines_does_not_matter(lines: list[Line]) -> None:
    assert price(lines, tax_percent=TAX) == price(lines[::-1], tax_percent=TAX)


@given(st.integers(0, 10**12), st.decimals("0.01", 100, places=2))
def test_a_percentage_is_off_by_at_most_half_a_unit(amount: int, percent: Decimal) -> None:
    exact = Decimal(amount) * percent / 100
    assert abs(Decimal(percent_of(amount, percent)) - exact) <= Decimal("0.5")
