"""Fields that several forms of providers have."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def as_facility_type(value: Any) -> Any:
    """In any case in, in the contract's out."""
    return value.strip().capitalize() if isinstance(value, str) else value


def as_time_zone(value: str) -> str:
    """An IANA name. Raises ValueError."""
    try:
        ZoneInfo(value.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Africa/Lagos") from error
    return value.strip()
