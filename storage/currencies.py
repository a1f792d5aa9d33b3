"""The currencies that amounts are kept in: those of hundredths, because a written amount has two decimals."""

from __future__ import annotations

#: Of ISO 4217's active currencies those whose smallest unit is none, a thousandth or a ten-thousandth.
_WITHOUT = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF", "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND", "CLF", "UYW",
})  # fmt: skip


def kept(code: str) -> str:
    """The code itself. Raises ValueError for a currency whose smallest unit is no hundredth."""
    if code in _WITHOUT:
        raise ValueError("must be a currency of hundredths, such as INR: amounts have two decimals here")
    return code
