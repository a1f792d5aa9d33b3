"""Which banks there are, and whose account a number is: the local default has lists, and names for trying out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.errors import Unavailable


class NamesUnknown(Unavailable):
    """Names of bank accounts cannot be looked up on this server: enter the name by hand."""

    code = "account_lookup_not_configured"


@dataclass(frozen=True, slots=True)
class Bank:
    name: str
    code: str


#: By country (ISO 3166), with the codes by which banks there are known: CBN and NUBAN in Nigeria, sort codes elsewhere.
BANKS: Mapping[str, tuple[Bank, ...]] = {
    "NG": (
        Bank("Access Bank", "044"), Bank("Ecobank Nigeria", "050"), Bank("Fidelity Bank", "070"),
        Bank("First Bank of Nigeria", "011"), Bank("First City Monument Bank", "214"),
        Bank("Guaranty Trust Bank", "058"), Bank("Keystone Bank", "082"), Bank("Polaris Bank", "076"),
        Bank("Stanbic IBTC Bank", "221"), Bank("Sterling Bank", "232"), Bank("Union Bank of Nigeria", "032"),
        Bank("United Bank for Africa", "033"), Bank("Unity Bank", "215"), Bank("Wema Bank", "035"),
        Bank("Zenith Bank", "057"),
    ),
    "GH": (Bank("Absa Bank Ghana", "030100"), Bank("Ecobank Ghana", "130100"), Bank("GCB Bank", "040100")),
    "KE": (Bank("Equity Bank", "68"), Bank("KCB Bank", "01"), Bank("Co-operative Bank", "11")),
    "ZA": (Bank("Absa", "632005"), Bank("First National Bank", "250655"), Bank("Standard Bank", "051001")),
    "IN": (Bank("HDFC Bank", "HDFC"), Bank("ICICI Bank", "ICIC"), Bank("State Bank of India", "SBIN")),
}  # fmt: skip


def banks_of(country: str) -> tuple[Bank, ...]:
    """None for a country of which no list is here."""
    return BANKS.get(country, ())


async def account_name(number: str, bank_code: str, *, is_deployed: bool) -> str | None:
    """Whose account it is, as far as one can try that out; None where there is no such bank. Raises NamesUnknown."""
    if is_deployed:
        raise NamesUnknown
    known = any(bank.code == bank_code for banks in BANKS.values() for bank in banks)
    return f"Account {number[-4:]}" if known else None
