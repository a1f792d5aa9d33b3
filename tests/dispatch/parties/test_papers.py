"""The check digit finds what fingers do wrong."""

from __future__ import annotations

import pytest

from dispatch.parties.papers import AADHAAR, PAN, check_digit_holds


def test_the_worked_example_and_every_slip_of_one_digit() -> None:
    # 236 has the check digit 3 (Verhoeff's own example).
    assert check_digit_holds("2363")
    slips = {"2363"[:n] + d + "2363"[n + 1 :] for n in range(4) for d in "0123456789"} - {"2363"}
    assert len(slips) == 36 and not any(check_digit_holds(slip) for slip in slips)
    assert not any(check_digit_holds(swapped) for swapped in ("3263", "2633", "2336"))


@pytest.mark.parametrize("number", ["999941057058", "999971658847", "999933119405"])
def test_numbers_of_the_authoritys_test_environment_hold(number: str) -> None:
    assert AADHAAR.fullmatch(number) and check_digit_holds(number)


def test_the_contracts_examples_are_well_formed() -> None:
    assert AADHAAR.fullmatch("123456789012") and PAN.fullmatch("ABCDE1234F")
    assert not PAN.fullmatch("ABCDE12345") and not AADHAAR.fullmatch("12345678901")
