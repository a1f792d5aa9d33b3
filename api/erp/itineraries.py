"""Itineraries: the rounds of salespeople, with trade partners as their stops."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo

from api.audiences import Member, erp
from api.erp.partner_details import VisitOut
from api.erp.partner_views import Number, hour
from api.shared.texts import text
from api.wire.models import Body, BookingTime, Query, View
from api.wire.results import Message, Reply
from dispatch.parties import itineraries
from dispatch.services import Services
from storage.itineraries import Itinerary, Stop

TAGS = ("itineraries",)
Code = Annotated[str, text(50)]
Name = Annotated[str, text(100)]
Rank = Annotated[int, Field(ge=1, le=itineraries.MOST_STOPS)]
Days = Annotated[int, Field(ge=1, le=366)]


def _after_start(value: time | None, info: ValidationInfo) -> time | None:
    start = info.data.get("start_time")
    if value is not None and start is not None and value <= start:
        raise ValueError("must be after start_time")
    return value


class ItineraryIn(Body):
    code: Code
    name: Name
    salesperson_id: Number | None = None
    is_active: bool = True


class ItineraryChange(Body):
    keeps_null: ClassVar[frozenset[str]] = frozenset({"salesperson_id"})

    code: Code | None = None
    name: Name | None = None
    salesperson_id: Number | None = None
    is_active: bool | None = None


class AssignIn(Body):
    """Without a rank the partner comes last."""

    partner_code: Code
    rank: Rank | None = None
    visit_frequency_days: Days | None = None
    start_time: BookingTime | None = None
    end_time: Annotated[BookingTime | None, AfterValidator(_after_start)] = None
    is_stop_point: bool = True


class StopChange(Body):
    keeps_null: ClassVar[frozenset[str]] = frozenset({"visit_frequency_days", "start_time", "end_time"})

    rank: Rank | None = None
    visit_frequency_days: Days | None = None
    start_time: BookingTime | None = None
    end_time: Annotated[BookingTime | None, AfterValidator(_after_start)] = None
    is_stop_point: bool | None = None


class OrderIn(Body):
    """The ids of stops, in their new order."""

    ids: Annotated[list[Number], Field(min_length=1, max_length=itineraries.MOST_STOPS)]


class ItineraryQuery(Query):
    """Whose rounds, and whether those that are on or off."""

    salesperson_id: Number | None = None
    is_active: bool | None = None


class ItineraryOut(View):
    id: int
    code: str
    name: str
    salesperson_id: int | None
    is_active: bool
    partner_count: int
    created_at: datetime


class StopPartner(View):
    """`status` says whether it may order: nobody drives to a closed one unknowingly."""

    id: int
    code: str
    name: str
    status: str


class StopOut(VisitOut):
    partner: StopPartner


class ItineraryDetail(ItineraryOut):
    itinerary_partners: list[StopOut]


@erp.route("GET", "/itineraries", permission="itineraries:read", tags=TAGS)
async def list_itineraries(services: Services, caller: Member, query: ItineraryQuery) -> list[ItineraryOut]:
    """All itineraries, or those of one salesperson."""
    async with services.read() as conn:
        return [itinerary_out(i) for i in await itineraries.page(conn, query.salesperson_id, query.is_active)]


@erp.route("POST", "/itineraries", idempotency="optional", status=201, permission="itineraries:write", tags=TAGS)
async def create_itinerary(services: Services, caller: Member, body: ItineraryIn) -> Reply[ItineraryOut]:
    """Add an itinerary."""
    async with services.transaction() as tx:
        made = await itineraries.create(tx, caller.actor, body.model_dump())
    return Reply(itinerary_out(made), "Itinerary created")


@erp.route("GET", "/itineraries/{id}", permission="itineraries:read", tags=TAGS)
async def get_itinerary(services: Services, caller: Member, id: int) -> ItineraryDetail:
    """One itinerary with its stops in their order."""
    async with services.read() as conn:
        found, stops = await itineraries.get(conn, id)
    return ItineraryDetail(**itinerary_out(found).model_dump(), itinerary_partners=[stop_out(s) for s in stops])


async def update_itinerary(services: Services, caller: Member, id: int, body: ItineraryChange) -> Reply[ItineraryOut]:
    """Change what is sent."""
    async with services.transaction() as tx:
        saved = await itineraries.change(tx, caller.actor, id, body.model_dump(exclude_unset=True))
    return Reply(itinerary_out(saved), "Itinerary updated")


for _method in ("PUT", "PATCH"):
    erp.route(_method, "/itineraries/{id}", permission="itineraries:write", tags=TAGS)(update_itinerary)


@erp.route("DELETE", "/itineraries/{id}", permission="itineraries:write", tags=TAGS)
async def delete_itinerary(services: Services, caller: Member, id: int) -> Message:
    """Delete an itinerary with its stops."""
    async with services.transaction() as tx:
        await itineraries.delete(tx, caller.actor, id)
    return Message("Itinerary deleted")


@erp.route(
    "POST",
    "/itineraries/{id}/assign-partner",
    idempotency="optional",
    status=201,
    permission="itineraries:write",
    tags=TAGS,
)
async def assign_partner(services: Services, caller: Member, id: int, body: AssignIn) -> Reply[StopOut]:
    """Put a partner on an itinerary, at a rank or at its end.

    Example: {"partner_code": "CL001", "rank": 1, "visit_frequency_days": 7, "start_time": "09:00", "end_time": "10:00"}
    """
    fields = body.model_dump(exclude={"partner_code"})
    async with services.transaction() as tx:
        made = await itineraries.assign(tx, caller.actor, id, body.partner_code, fields)
    return Reply(stop_out(made), "Partner assigned")


@erp.route("PATCH", "/itineraries/{id}/partner/{stop_id}", permission="itineraries:write", tags=TAGS)
async def change_stop(services: Services, caller: Member, id: int, stop_id: int, body: StopChange) -> Reply[StopOut]:
    """Change a stop; at a rank that is taken whoever stands there moves one on."""
    async with services.transaction() as tx:
        saved = await itineraries.change_stop(tx, caller.actor, id, stop_id, body.model_dump(exclude_unset=True))
    return Reply(stop_out(saved), "Stop updated")


@erp.route("DELETE", "/itineraries/{id}/partner/{stop_id}", permission="itineraries:write", tags=TAGS)
async def drop_stop(services: Services, caller: Member, id: int, stop_id: int) -> Message:
    """Take a partner off an itinerary."""
    async with services.transaction() as tx:
        await itineraries.drop_stop(tx, caller.actor, id, stop_id)
    return Message("Partner removed")


@erp.route("POST", "/itineraries/{id}/reorder", permission="itineraries:write", tags=TAGS)
async def reorder_stops(services: Services, caller: Member, id: int, body: OrderIn) -> Message:
    """Put the stops in a new order.

    Example: {"ids": [3, 1, 2]}
    """
    async with services.transaction() as tx:
        await itineraries.reorder(tx, caller.actor, id, body.ids)
    return Message("Stops reordered")


def itinerary_out(row: Itinerary) -> ItineraryOut:
    return ItineraryOut(
        id=row.id, code=row.code, name=row.name, salesperson_id=row.salesperson_id, is_active=row.is_active,
        partner_count=row.partners, created_at=row.created_at,
    )  # fmt: skip


def stop_out(row: Stop) -> StopOut:
    return StopOut(
        id=row.id, itinerary_id=row.itinerary_id, itinerary_code=row.itinerary_code,
        itinerary_name=row.itinerary_name, rank=row.rank, visit_frequency_days=row.visit_frequency_days,
        start_time=hour(row.start_time), end_time=hour(row.end_time), is_stop_point=row.is_stop_point,
        partner=StopPartner(
            id=row.partner_no, code=row.partner_code, name=row.partner_name, status=row.partner_status
        ),
    )  # fmt: skip
