"""Places of a bulk booking: where they are, which money and clocks hold there, and when somebody works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from dispatch.billing import checkout
from dispatch.engine.recurrence import Rule
from dispatch.errors import Invalid
from dispatch.parties import addresses
from dispatch.parties.addresses import Located
from dispatch.services import Services
from storage.addresses import Address


@dataclass(frozen=True, slots=True)
class Place:
    """Where, and whom to ask there. Coordinates in degrees, both or none."""

    name: str
    street: str
    city: str
    floor: str | None = None
    area: str | None = None
    state: str = ""
    postal_code: str = ""
    country: str = ""
    lat: float | None = None
    lng: float | None = None
    contact: Mapping[str, Any] = field(default_factory=dict)


async def located(services: Services, places: Sequence[Place]) -> list[Located]:
    """Where the places are. Raises Invalid that names every place that nobody can find."""
    found: list[Located] = []
    bad: dict[str, Any] = {}
    for n, place in enumerate(places):
        name = f"locations.{n}.address"
        try:
            found.append(await addresses.locate(services, _as_address(services, place), field=name))
        except Invalid as e:
            bad |= e.details or {}
    if bad:
        raise Invalid(bad)
    return found


def _as_address(services: Services, place: Place) -> Address:
    now = services.clock.now()
    return Address(
        uuid4(), place.name, place.street, place.floor, place.city, place.state, place.postal_code, place.country,
        place.lat, place.lng, False, None, False, now, now,
    )  # fmt: skip


def terms(services: Services, spots: Sequence[Located]) -> tuple[str, str]:
    """Currency and clocks, which all places share. Raises Invalid."""
    found = {checkout.place_terms(services, spot) for spot in spots}
    if len(found) != 1:
        raise Invalid({"locations": "These places have different currencies or clocks: book them apart."})
    return found.pop()


def check_hours(services: Services, rule: Rule, spots: Sequence[Located]) -> None:
    """Raises Invalid for a time at which nobody works at one of the places."""
    for spot in spots:
        opens, closes, _ = services.zones.hours(spot.zone.id if spot.zone else None)
        if any(not opens <= face < closes for face in rule.times):
            raise Invalid({"schedule.time": f"Visits begin between {opens:%H:%M} and {closes:%H:%M} there."})


def address_of(place: Place, spot: Located) -> dict[str, Any]:
    return {
        "name": place.name, "address_line1": place.street, "address_line2": place.floor, "area": place.area,
        "city": place.city, "state": place.state, "pincode": place.postal_code, "lat": spot.lat, "lng": spot.lng,
        "is_approximate": spot.is_approximate,
    }  # fmt: skip
