"""Local days and clock faces against moments: one rule for the hours that a zone's clocks skip or repeat."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TWELVE = re.compile(r"^(1[0-2]|0?[1-9])(?::([0-5]\d))?(?::([0-5]\d))?\s*([AaPp])\.?[Mm]\.?$")
_TWENTY_FOUR = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$")


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ValueError for a name that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError(f"'{name}' is not the name of a time zone (such as Asia/Kolkata).") from e


def to_utc(day: date, at: time, timezone: str) -> datetime:
    """The moment at which clocks in `timezone` show `at` on `day`.

    A time that the clocks skip moves forward by what they skip; one that they show twice is the first.
    """
    # fold=0 is the offset from before the change: it gives exactly both rules.
    return datetime.combine(day, at.replace(fold=0, tzinfo=None), zone(timezone)).astimezone(UTC)


def local(moment: datetime, timezone: str) -> datetime:
    """What clocks in `timezone` show at a moment."""
    return moment.astimezone(zone(timezone))


def parse_time(text: str) -> time:
    """A clock face: "10:00 AM", "10 am", "10:00" or "10:00:00" (C71). Raises ValueError with a sentence."""
    text = text.strip()
    if found := _TWELVE.match(text):
        hour = int(found[1]) % 12 + (12 if found[4] in "pP" else 0)
    elif found := _TWENTY_FOUR.match(text):
        hour = int(found[1])
    else:
        raise ValueError("This is not a time; write it like 10:00 AM or 10:00.")
    return time(hour, int(found[2] or 0), int(found[3] or 0))


def twelve_hour(at: time) -> str:
    """A clock face as the contract lists slots: "08:00 AM"."""
    return f"{at.hour % 12 or 12:02d}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"
