"""Where a program is served, and its services as series of bookings."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.audiences import Member, organisation
from api.organisation import bookings
from api.organisation.bookings import LocationIn, OneBulkOut, Weekday, place_of
from api.organisation.fields import Name, Word, by_of, organisation_of, whole_organisation
from api.wire.models import BookingTime, CamelBody, CamelView, Day
from api.wire.results import Message, Reply
from dispatch.billing import program_bookings, program_places
from dispatch.billing.program_bookings import NewSeries
from dispatch.services import Services
from storage.program_places import ProgramPlace

PATH, TAGS = "/programs/{id}/places", ("programs",)


class ContactPersonOut(CamelView):
    name: str
    phone: str | None
    email: str | None


class PlaceOut(CamelView):
    id: UUID
    name: str
    street: str
    city: str
    floor: str | None
    contact_person: ContactPersonOut | None


class OnePlaceOut(CamelView):
    place: PlaceOut


class PlacesOut(CamelView):
    places: list[PlaceOut]


class SeriesBody(CamelBody):
    """`service` as the program names it; as many `times` as it is done on a day. Unsaid, `places` are all of them."""

    service: Word
    service_id: UUID
    times: Annotated[list[BookingTime], Field(min_length=1, max_length=8)]
    days: Annotated[list[Weekday], Field(max_length=7)] = []
    start_date: Day | None = None
    end_date: Day | None = None
    places: Annotated[list[UUID], Field(max_length=200)] = []
    special_requirements: Annotated[list[Name], Field(max_length=20)] = []


@organisation.route("POST", PATH, idempotency="optional", status=201, permission="programs:write", tags=TAGS)
async def register(services: Services, caller: Member, id: UUID, body: LocationIn) -> Reply[OnePlaceOut]:
    """Register a place at which a program is served.

    Example: {"name": "Main road", "address": {"street": "12 Lake Road", "city": "Kolkata"}}
    """
    whole_organisation(caller)
    made = await program_places.register(services, by_of(caller), id, place_of(services, body, ""))
    return Reply(OnePlaceOut(place=place_out(made)), message="Place registered")


@organisation.route("GET", PATH, permission="programs:read", tags=TAGS)
async def page(services: Services, caller: Member, id: UUID) -> PlacesOut:
    """Where a program is served, by name."""
    async with services.read() as conn:
        found = await program_places.of_program(conn, organisation_of(caller), id)
    return PlacesOut(places=[place_out(one) for one in found])


@organisation.route("DELETE", f"{PATH}/{{place_id}}", permission="programs:write", tags=TAGS)
async def delete(services: Services, caller: Member, id: UUID, place_id: UUID) -> Message:
    """A place is no longer served; what is booked there stays."""
    whole_organisation(caller)
    async with services.transaction() as tx:
        await program_places.delete(tx, by_of(caller), id, place_id)
    return Message("Place removed")


@organisation.route(
    "POST", "/programs/{id}/bookings", status=201, permission="programs:write", idempotency="optional", tags=TAGS
)
async def book(services: Services, caller: Member, id: UUID, body: SeriesBody) -> Reply[OneBulkOut]:
    """Book a service of a program as often as it says, at its places, out of its budget.

    Example: {"service": "street_cleaning", "serviceId": "6f1c2d34-5b6a-4c7d-8e9f-0a1b2c3d4e5f", "times": ["08:00"]}
    """
    whole_organisation(caller)
    bulk_id = await program_bookings.create(services, by_of(caller), id, NewSeries(
        body.service, body.service_id, body.times, body.days, body.start_date, body.end_date, body.places,
        body.special_requirements,
    ))  # fmt: skip
    return Reply(await bookings.get(services, caller, bulk_id), message="Program service booked")


def place_out(one: ProgramPlace) -> PlaceOut:
    kept = one.place
    return PlaceOut(
        id=one.id, name=one.name, street=kept["street"], city=kept["city"], floor=kept["floor"],
        contact_person=ContactPersonOut(**kept["contact"]) if kept["contact"] else None,
    )  # fmt: skip
