"""A customer's addresses."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from api.audiences import Customer, customer
from api.shared.texts import text
from api.wire.models import Body, Degrees, View
from api.wire.results import Message, Reply
from dispatch.parties import addresses
from dispatch.parties.addresses import AddressIn
from dispatch.services import Services
from storage.addresses import Address


def _with_lat(lng: float | None, info: ValidationInfo) -> float | None:
    # A lat that was refused is not in the data and has its own complaint.
    if "lat" in info.data and (info.data["lat"] is None) != (lng is None):
        raise ValueError("lat and lng go together: send both or neither")
    return lng


Latitude = Annotated[float, Field(ge=-90, le=90)] | None
#: Comes after the latitude in a model, and only together with it.
Longitude = Annotated[
    Annotated[float, Field(ge=-180, le=180)] | None, AfterValidator(_with_lat), Field(validate_default=True)
]


class AddressBody(Body):
    name: Annotated[str, text(100)]
    address_line1: Annotated[str, text(255)]
    address_line2: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    city: Annotated[str, text(100)]
    state: Annotated[str, text(100)]
    pincode: Annotated[str, text(10)]
    lat: Latitude = None
    lng: Longitude = None
    place_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    is_default: bool = False


class AddressChange(Body):
    name: Annotated[str, text(100)] | None = None
    address_line1: Annotated[str, text(255)] | None = None
    address_line2: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    city: Annotated[str, text(100)] | None = None
    state: Annotated[str, text(100)] | None = None
    pincode: Annotated[str, text(10)] | None = None
    lat: Latitude = None
    lng: Longitude = None
    place_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    is_default: bool | None = None


class AddressOut(View):
    id: UUID
    name: str
    address_line1: str
    address_line2: str | None
    city: str
    state: str
    pincode: str
    lat: Degrees | None
    lng: Degrees | None
    place_id: str | None
    is_default: bool
    is_approximate: bool
    #: The clock by which visits there are booked.
    timezone: str


PIN_DROPPED = "Your address was changed. Its place on the map no longer fitted and was removed: please set it again."

#: The contract's names for the fields of an address.
_FIELDS = {
    "name": "label", "address_line1": "line1", "address_line2": "line2", "city": "city", "state": "state",
    "pincode": "postal_code", "lat": "lat", "lng": "lng", "place_id": "place_id", "is_default": "is_default",
}  # fmt: skip


def address_out(services: Services, row: Address) -> AddressOut:
    return AddressOut(
        id=row.id, name=row.label, address_line1=row.line1, address_line2=row.line2, city=row.city,
        state=row.state,
        pincode=row.postal_code, lat=row.lat, lng=row.lng, place_id=row.place_id, is_default=row.is_default,
        is_approximate=addresses.is_approximate(row), timezone=addresses.timezone_of(services, row),
    )  # fmt: skip


# Real front ends know the list and its POST by these names too.
@customer.route("GET", "/addresses", scope="customers:read", tags=["addresses"])
@customer.route("GET", "/users/addresses", scope="customers:read", tags=["addresses"])
async def list_addresses(services: Services, caller: Customer) -> list[AddressOut]:
    """All of the customer's addresses, the default first."""
    async with services.read() as conn:
        return [address_out(services, a) for a in await addresses.page(conn, caller.account_id)]


@customer.route("POST", "/addresses", scope="customers:write", idempotency="optional", status=201, tags=["addresses"])
@customer.route(
    "POST", "/users/addresses", scope="customers:write", idempotency="optional", status=201, tags=["addresses"]
)
async def create_address(services: Services, caller: Customer, body: AddressBody) -> AddressOut:
    """Adds an address; the first one becomes the default."""
    new = AddressIn(**{_FIELDS[name]: value for name, value in body.model_dump().items()})
    async with services.transaction() as tx:
        return address_out(services, await addresses.create(tx, caller.account_id, new))


@customer.route("PUT", "/users/addresses/{id}", scope="customers:write", tags=["addresses"])
async def update_address(services: Services, caller: Customer, id: UUID, body: AddressChange) -> Reply[AddressOut]:
    """Changes what is sent and leaves the rest; a pin that no longer fits the text is taken away, and that is said."""
    changes = {_FIELDS[name]: value for name, value in body.model_dump(exclude_unset=True).items()}
    async with services.transaction() as tx:
        before = await addresses.get(tx.conn, caller.account_id, id)
        after = await addresses.change(tx, caller.account_id, id, changes)
    lost_pin = before.lat is not None and after.lat is None and "lat" not in changes
    return Reply(address_out(services, after), message=PIN_DROPPED if lost_pin else None)


@customer.route("PATCH", "/users/addresses/{id}/set-default", scope="customers:write", tags=["addresses"])
async def set_default_address(services: Services, caller: Customer, id: UUID) -> Reply[AddressOut]:
    """Makes this address the default one; the former is so no longer."""
    async with services.transaction() as tx:
        made = await addresses.change(tx, caller.account_id, id, {"is_default": True})
    return Reply(address_out(services, made), message="Default address updated")


@customer.route("DELETE", "/users/addresses/{id}", scope="customers:write", tags=["addresses"])
async def delete_address(services: Services, caller: Customer, id: UUID) -> Message:
    """Removes an address; bookings made for it keep their copy."""
    async with services.transaction() as tx:
        await addresses.delete(tx, caller.account_id, id)
    return Message("Address deleted successfully")
