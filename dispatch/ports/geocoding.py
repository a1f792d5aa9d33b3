"""What placing an address needs of a geocoder: the question, the answer, and the default that knows nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Query:
    """A written address."""

    line1: str
    city: str
    state: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Position:
    """Degrees. `is_approximate`: the street or less is known, not the house."""

    lat: float
    lng: float
    is_approximate: bool


class Geocoder(Protocol):
    """Finds a position or says None; never raises, since an address can also be placed without it."""

    async def locate(self, query: Query) -> Position | None: ...


class NoGeocoder:
    """The default: addresses without coordinates are placed by their pincode or city."""

    async def locate(self, query: Query) -> Position | None:
        return None
