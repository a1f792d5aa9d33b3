"""When: a day or a moment, as ISO 8601 or Unix time (R194), and spans of both by the provider's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from api.wire.listing import Listing, Once
from api.wire.models import FIRST_YEAR, LAST_YEAR
from dispatch import localtime
from dispatch.errors import Invalid
from storage.database.listing import Wanted
from storage.providers import Provider

#: Unix times beyond this are milliseconds: in seconds they would lie in the year 5138.
_MILLIS_FROM = 10**11
_SAYING = "must be a date such as 2026-01-31, a moment such as 2026-01-31T10:00:00Z, or a Unix time"


def _when(value: Any) -> date | datetime:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_SAYING)
    text = str(value).strip()
    try:
        found = _unix(float(text)) if text.replace(".", "", 1).isdecimal() else _iso(text)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(_SAYING) from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _unix(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp / 1000 if stamp >= _MILLIS_FROM else stamp, UTC)


def _iso(text: str) -> date | datetime:
    if len(text) == len("2026-01-31"):
        return date.fromisoformat(text)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


#: A day or a moment; a moment without an offset is in UTC.
When = Annotated[
    date | datetime, PlainValidator(_when), WithJsonSchema({"type": "string", "description": "ISO 8601 or Unix time"})
]


def moment(value: date | datetime, timezone: str) -> datetime:
    """A moment as it is; a day as its beginning by the local clock."""
    return value if isinstance(value, datetime) else localtime.to_utc(value, time(), timezone)


def day(value: date | datetime, timezone: str) -> date:
    """The local day."""
    return localtime.local(value, timezone).date() if isinstance(value, datetime) else value


def after(value: date | datetime, timezone: str) -> datetime:
    """The end of a span, no longer in it: a whole day belongs to it, of a moment the moment itself."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    return localtime.to_utc(value + timedelta(days=1), time(), timezone)


def span(
    start: date | datetime | None, end: date | datetime | None, timezone: str, end_name: str = "endDate",
    start_name: str = "startDate",
) -> tuple[datetime | None, datetime | None]:  # fmt: skip
    """[from, to) of both ends. Raises Invalid when they are the wrong way round."""
    from_at = None if start is None else moment(start, timezone)
    to_at = None if end is None else after(end, timezone)
    if from_at is not None and to_at is not None and to_at <= from_at:
        raise Invalid({end_name: f"must not be before {start_name}"})
    return from_at, to_at


#: The filters of a span, for lists that know `from_at` and `to_at`.
SPAN: Mapping[str, Any] = {"startDate": Once(When), "endDate": Once(When)}
SPAN_NAMES: Mapping[str, str] = {"startDate": "from_at", "endDate": "to_at"}


def spanned(
    listing: Listing, provider: Provider, end_name: str = "endDate", start_name: str = "startDate", **changed: Any
) -> Wanted:
    """What the storage is asked: the ends of the span as moments by the provider's clock, and what else is changed."""
    filters = {**listing.wanted.filters, **changed}
    from_at, to_at = span(filters.get("from_at"), filters.get("to_at"), provider.timezone, end_name, start_name)
    filters |= {name: at for name, at in (("from_at", from_at), ("to_at", to_at)) if at is not None}
    return replace(listing.wanted, filters=filters)


def local_today(now: datetime, provider: Provider) -> date:
    """The day that it is where the provider is."""
    return localtime.local(now, provider.timezone).date()
