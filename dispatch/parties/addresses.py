"""Where customers live: addresses, exactly one of them the default, and how each gets a position."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dispatch.errors import Conflict, Invalid, Missing
from dispatch.live.zones import Zone
from dispatch.ports.geocoding import Query
from dispatch.services import Tx
from storage import addresses as rows
from storage.addresses import Address
from storage.database.pool import Conn

if TYPE_CHECKING:
    from dispatch.services import Services

#: From this likeness on (0 to 1) two lines are one line with a slip of the pen in it: "12 Lake Raod, Flat 3".
SAME_LINE = 0.85
#: Nobody lives at more places than that.
MAX_ADDRESSES = 50


class TooManyAddresses(Conflict):
    """You have as many addresses as an account can have; delete one first."""

    code = "too_many_addresses"


@dataclass(frozen=True, slots=True)
class AddressIn:
    """An address as it is written; coordinates in degrees, both or none."""

    label: str
    line1: str
    city: str
    state: str
    postal_code: str
    line2: str | None = None
    lat: float | None = None
    lng: float | None = None
    place_id: str | None = None
    country: str = "IN"
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """An address with its position and its zone (None where no zones are defined)."""

    address: Address
    lat: float
    lng: float
    is_approximate: bool
    zone: Zone | None


async def page(conn: Conn, account_id: UUID) -> list[Address]:
    """All of them, the default first, then the newest."""
    return await rows.of_account(conn, account_id=account_id)


async def get(conn: Conn, account_id: UUID, address_id: UUID) -> Address:
    """Raises Missing: another's address does not exist."""
    found = await rows.get(conn, account_id=account_id, address_id=address_id)
    if found is None:
        raise Missing("address")
    return found


async def find_default(conn: Conn, account_id: UUID) -> Address | None:
    return await rows.default_of(conn, account_id=account_id)


async def create(tx: Tx, account_id: UUID, new: AddressIn) -> Address:
    """Adds an address. The first one becomes the default; `is_default` moves it here.

    Raises TooManyAddresses, Invalid (one coordinate without the other).
    """
    _check_pair(new.lat, new.lng)
    await rows.lock_account(tx.conn, account_id=account_id)
    count = await rows.count(tx.conn, account_id=account_id) or 0
    if count >= MAX_ADDRESSES:
        raise TooManyAddresses()
    if new.is_default and count:
        await rows.no_default(tx.conn, account_id=account_id)
    made = await rows.insert(
        tx.conn, account_id=account_id, label=new.label, line1=new.line1, line2=new.line2, city=new.city,
        state=new.state, postal_code=new.postal_code, country=new.country, lat=new.lat, lng=new.lng,
        place_id=new.place_id, is_default=new.is_default or not count,
    )  # fmt: skip
    assert made is not None
    return made


async def change(tx: Tx, account_id: UUID, address_id: UUID, changes: dict[str, Any]) -> Address:
    """Changes the named fields of AddressIn, leaves the rest.

    Text that says another place without new coordinates drops the old ones, so that nobody is sent there; a line whose
    spelling was corrected says the same place. The
    default can be moved to another address, not taken away: `is_default: False` on it changes nothing.
    Raises Missing, Invalid (one coordinate without the other).
    """
    await rows.lock_account(tx.conn, account_id=account_id)
    old = await get(tx.conn, account_id, address_id)
    if ("lat" in changes) != ("lng" in changes):
        _check_pair(changes.get("lat"), changes.get("lng"))
    if changes.get("is_default") and not old.is_default:
        await rows.no_default(tx.conn, account_id=account_id)
    new = replace(old, **{**changes, "is_default": bool(changes.get("is_default")) or old.is_default})
    if "lat" in changes:
        new = replace(new, is_approximate=False)
    elif not _is_same_place(new, old):
        place_id = changes.get("place_id")
        new = replace(new, lat=None, lng=None, is_approximate=False, place_id=place_id)
    changed = await rows.update(
        tx.conn, account_id=account_id, address_id=address_id, label=new.label, line1=new.line1,
        line2=new.line2,
        city=new.city, state=new.state, postal_code=new.postal_code, lat=new.lat, lng=new.lng,
        is_approximate=new.is_approximate, place_id=new.place_id, is_default=new.is_default,
    )  # fmt: skip
    assert changed is not None, "the account is locked"
    return changed


async def delete(tx: Tx, account_id: UUID, address_id: UUID) -> None:
    """Removes an address from the customer's list; if it was the default, the newest one takes over. Raises
    Missing.
    """
    await rows.lock_account(tx.conn, account_id=account_id)
    if not await rows.remove(tx.conn, account_id=account_id, address_id=address_id):
        raise Missing("address")
    await rows.promote_newest(tx.conn, account_id=account_id)


async def locate(services: Services, address: Address, *, field: str = "address_id") -> Located:
    """Where an address is: its coordinates, else the geocoder's, else the centre of its pincode or of its
    city's zone.

    The last two are marked approximate. Calls out, so it is used outside transactions. Raises Invalid naming
    `field` for an address that nobody can place or that lies in no zone.
    """
    if address.lat is None or address.lng is None:
        address = await _geocoded(services, address)
    book = services.zones
    if address.lat is not None and address.lng is not None:
        zone = book.locate(address.lat, address.lng)
        if zone is None and not book.serves_everywhere:
            raise Invalid({field: "Services are not offered at this address."})
        return Located(address, address.lat, address.lng, address.is_approximate, zone)
    centre = book.by_pincode(address.postal_code)
    if centre is not None:
        return Located(address, centre.lat, centre.lng, True, centre.zone)
    zone = book.by_city(address.city)
    if zone is not None:
        return Located(address, zone.centre_lat, zone.centre_lng, True, zone)
    raise Invalid({field: "This address could not be found; add its coordinates (lat and lng)."})


def timezone_of(services: Services, address: Address) -> str:
    """By which clock a visit there is booked, as far as that is known without asking the geocoder."""
    book = services.zones
    if address.lat is not None and address.lng is not None:
        zone = book.locate(address.lat, address.lng)
    else:
        centre = book.by_pincode(address.postal_code)
        zone = centre.zone if centre is not None else book.by_city(address.city)
    return zone.timezone if zone else book.terms((services.settings.currency, services.settings.timezone))[1]


async def _geocoded(services: Services, address: Address) -> Address:
    query = Query(address.line1, address.city, address.state, address.postal_code, address.country)
    found = await services.geocoder.locate(query)
    if found is None:
        return address
    async with services.transaction() as tx:
        await rows.located(
            tx.conn, address_id=address.id, lat=found.lat, lng=found.lng, is_approximate=found.is_approximate,
            seen_at=address.updated_at,
        )  # fmt: skip
    return replace(address, lat=found.lat, lng=found.lng, is_approximate=found.is_approximate)


def is_approximate(address: Address) -> bool:
    """Whether what is known of its position is less than the house: so, too, while nothing is."""
    return address.is_approximate or address.lat is None


def _is_same_place(one: Address, other: Address) -> bool:
    """The same town and, but for slips of the pen, the same line: its numbers stand, and it reads nearly alike."""
    towns = [tuple(_plain(x) for x in (a.city, a.state, a.postal_code)) for a in (one, other)]
    lines = [_plain(a.line1) for a in (one, other)]
    numbers = [re.findall(r"[0-9]+", line) for line in lines]
    likeness = SequenceMatcher(None, lines[0], lines[1]).ratio()
    return towns[0] == towns[1] and numbers[0] == numbers[1] and likeness >= SAME_LINE


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace(",", " ").split())


def _check_pair(lat: float | None, lng: float | None) -> None:
    if (lat is None) != (lng is None):
        missing = "lat" if lat is None else "lng"
        raise Invalid({missing: "Send lat and lng together, or neither."})
