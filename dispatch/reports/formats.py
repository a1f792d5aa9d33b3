"""How dates, times and amounts are written for people: by a provider's own settings, in major units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dispatch import localtime

SYMBOLS = {
    "NGN": "₦", "USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "GHS": "GH₵", "KES": "KSh", "ZAR": "R", "PHP": "₱",
}  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Formats:
    """`date_format` (MM/DD/YYYY or DD/MM/YYYY) says which of day and month comes first; `time_format` is 12h or 24h."""

    date_format: str
    time_format: str
    timezone: str

    def day(self, day: date) -> str:
        """12/15/2025, or 15/12/2025."""
        parts = (day.month, day.day) if self._month_first else (day.day, day.month)
        return f"{parts[0]:02d}/{parts[1]:02d}/{day.year:04d}"

    def moment(self, moment: datetime) -> str:
        """Dec 15, 2025 10:30 AM, or 15 Dec 2025 10:30, by the local clock."""
        here = localtime.local(moment, self.timezone)
        month = _MONTHS[here.month - 1]
        day = f"{month} {here.day}, {here.year}" if self._month_first else f"{here.day} {month} {here.year}"
        if self.time_format == "24h":
            return f"{day} {here:%H:%M}"
        return f"{day} {here.hour % 12 or 12}:{here:%M} {'AM' if here.hour < 12 else 'PM'}"

    @property
    def _month_first(self) -> bool:
        return self.date_format.startswith("MM")


def major(minor: int) -> int | Decimal:
    """An amount in major units: 1500, or 1500.50."""
    return minor // 100 if minor % 100 == 0 else Decimal(minor).scaleb(-2)


def amount_text(minor: int, currency: str) -> str:
    """₦1,500 or ₦1,500.50; a currency without a sign of its own stands before the number."""
    sign = SYMBOLS.get(currency, f"{currency} ")
    whole, rest = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{sign}{whole:,}" + (f".{rest:02d}" if rest else "")
