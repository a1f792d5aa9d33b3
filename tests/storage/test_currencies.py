from __future__ import annotations

import pytest

from storage.currencies import kept


@pytest.mark.parametrize("code", ["INR", "NGN", "USD", "PHP", "CAD"])
def test_a_currency_of_hundredths_is_kept(code: str) -> None:
    assert kept(code) == code


@pytest.mark.parametrize("code", ["JPY", "KRW", "KWD", "BHD", "CLF"])
def test_another_one_is_refused_with_the_reason(code: str) -> None:
    with pytest.raises(ValueError, match="must be a currency of hundredths"):
        kept(code)
