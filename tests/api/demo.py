"""A small audience of each policy, with one route of every kind, for the tests of the API core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.audiences import Customer, Technician, customer
from api.auth import principals
from api.edge.idempotency import Answer
from api.edge.limits import Quota, RateLimit
from api.edge.request_info import RequestInfo
from api.route import Audience
from api.signature import Header
from api.wire.dialects import MINUTESERV, PROVIDER
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body, CamelBody, CamelView, Money, Query, View
from api.wire.results import Bare, File, Message, NoContent, PageWith, Reply, ReplyWith, Whole
from dispatch.errors import Conflict, Invalid, Unavailable
from dispatch.services import Services


class Shape(StrEnum):
    ROUND = "round"
    FLAT = "flat"


class Part(Body):
    name: Annotated[str, Field(min_length=1)]
    count: Annotated[int, Field(ge=1)] = 1


class ThingIn(Body):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    price: Annotated[Money, Field(ge=0)] = 0
    lat: Annotated[float, Field(ge=-90, le=90)] = 0
    on: date | None = None
    parts: list[Part] = []


class ThingOut(View):
    name: str
    price: Money
    parts: int


class Wanted(Query):
    day: date | None = None
    kinds: list[Literal["a", "b"]] = []


class Item(View):
    id: int
    name: str


class SeenOut(View):
    seen: dict[str, Any]


class DayOut(View):
    day: date | None


class LatePayment(Conflict):
    """Somebody was faster."""

    code = "late_payment"


def make(name: str, drops: bool, page_limit: int = 10) -> Audience:
    """An audience like the customers', under a prefix of its own."""
    return Audience(
        name=name, prefix=f"/{name}", principal=Customer, authenticate=principals.customer,
        dialect=MINUTESERV, limit=RateLimit("customer_per_minute", 60, "address"), drops_unknown_keys=drops,
        page_limit=page_limit, title=name,
    )  # fmt: skip


def declare(func: Any, path: str = "/x", method: str = "GET", audience: Audience | None = None, **options: Any) -> None:
    """A route of this audience, or of one that nobody serves."""
    (audience or make("scratch", True)).route(method, path, **options)(func)


kind, strict = make("kind", True), make("strict", False)
camel = Audience(
    name="camel", prefix="/camel", principal=Technician, authenticate=principals.technician, dialect=PROVIDER,
    limit=RateLimit("technician_per_minute", 60, "caller"), drops_unknown_keys=True, page_limit=10,
    title="camel",
    permits=lambda caller, permission: permission == "look",
)  # fmt: skip

#: The last one answers for everything that nobody owns.
DEMO = (kind, strict, camel, customer)

#: How often the counted endpoints ran.
RUNS: list[str] = []


@kind.route("POST", "/things/{id}", status=201, tags=["things"])
async def make_thing(
    services: Services, caller: Customer, id: UUID, body: ThingIn, query: Wanted
) -> ReplyWith[ThingOut, DayOut]:
    """Makes a thing.

    Of several parts.

    Example: {"name": "box", "price": 12.5, "parts": [{"name": "lid"}]}
    """
    thing = ThingOut(name=body.name, price=body.price, parts=len(body.parts))
    return ReplyWith(thing, "Made", extra=DayOut(day=query.day))


@strict.route("POST", "/things")
async def make_strictly(caller: Customer, body: ThingIn) -> ThingOut:
    """Makes a thing and refuses what it does not know."""
    return ThingOut(name=body.name, price=body.price, parts=len(body.parts))


@kind.route("POST", "/optional", public=True)
async def optional(answer: Answer, body: ThingIn | None = None) -> Message:
    """Takes a body or none."""
    return Message("none" if body is None else body.name)


@kind.route("GET", "/things/{id}")
async def get_thing(caller: Customer, id: UUID) -> None:
    """One thing."""


@kind.route("GET", "/things/search")
async def search_things(caller: Customer, query: Wanted) -> list[str]:
    """Stands where an id could."""
    return [*query.kinds]


@kind.route("GET", "/shapes/{shape}/{number}/{day}", public=True)
async def shapes(shape: Shape, number: int, day: date) -> Bare:
    """Constrained words of a path."""
    return Bare([shape, number, day])


@kind.route("GET", "/head", public=True)
async def heads(
    info: RequestInfo,
    step_up: Annotated[UUID | None, Header("X-Step-Up-Token")] = None,
    caller: Customer | None = None,
) -> dict[str, str]:
    """What comes from the head of a request."""
    return {"ip": info.ip, "step_up": str(step_up), "caller": "somebody" if caller else "nobody"}


@kind.route("POST", "/signed", public=True)
async def signed(signature: Annotated[str, Header("X-Signature")], body: Part) -> Message:
    """Needs a header."""
    return Message(signature)


@kind.route("POST", "/raw", public=True, limited=False)
async def raw(raw_body: bytes) -> Message:
    """Takes the bytes as they are."""
    return Message(raw_body.hex())


@kind.route("POST", "/cards", public=True, accepts_cards=True)
async def cards(body: dict[str, str]) -> Message:
    """Card data goes straight to the vault."""
    return Message(str(sorted(body)))


@kind.route("DELETE", "/things/{id}", status=204)
async def remove(caller: Customer, id: UUID) -> NoContent:
    """Gone."""
    return NoContent()


#: Nobody reads the endless file any longer.
LEFT = asyncio.Event()


@kind.route("GET", "/file/{name}", public=True)
async def file(name: str) -> File:
    """Whole, or in pieces; `breaks` after the first, `refuses` before it, and `endless` sets LEFT as it is left."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        if name == "refuses":
            raise Unavailable
        try:
            while name == "endless":
                yield b"x" * 65_536
        finally:
            LEFT.set()
        for piece in (b"a,", b"b"):
            yield piece
            if name == "breaks":
                raise Invalid({"name": "is known too late"})

    return File(b"whole" if name == "whole" else pieces(), "Überblick 1.csv", "text/csv")


@kind.route("GET", "/whole/{name}", public=True)
async def whole(name: str) -> Whole[Item]:
    """A whole list in batches; `breaks` after the first, `empty` has none."""

    async def batches() -> AsyncGenerator[list[Item], None]:
        for number in range(0 if name == "empty" else 2):
            yield [Item(id=number, name=name)]
            if name == "breaks":
                raise ZeroDivisionError("a secret of the inside")

    return Whole(batches())


@kind.route("GET", "/cached", public=True)
async def cached() -> Reply[int]:
    """Has an ETag."""
    return Reply(1, headers={"ETag": '"one"', "Cache-Control": "public, max-age=60"})


@kind.route("GET", "/fails/{how}", public=True)
async def fails(how: str) -> None:
    """Every way to fail."""
    if how == "bug":
        raise ZeroDivisionError("a secret of the inside")
    if how == "away":
        raise Unavailable(retry_after_s=7)
    if how == "timeout":
        raise TimeoutError
    raise Invalid({"how": f"is {how}"})


@kind.route(
    "GET",
    "/items",
    listing=Grammar(
        key="items",
        filters={"status": Literal["new", "old"], "date_from": Once(date), "price": Money},
        aliases={"dateFrom": "date_from"},
        sorts={"name": "name", "made": "created_at"},
        has_search=True,
    ),
)
async def items(caller: Customer, listing: Listing) -> PageWith[Item, SeenOut]:
    """A list, with everything that one can ask of it."""
    seen = {
        "sorts": [f"{name} {down}" for name, down in listing.wanted.sorts], "search": listing.search,
        "filters": dict(listing.filters), "offset": listing.offset,
    }  # fmt: skip
    return PageWith([Item(id=1, name="a")], 25, extra=SeenOut(seen=seen))


def _deed(kind_: str) -> None:
    RUNS.append(kind_)


@kind.route("POST", "/pay", status=201, idempotency="required")
async def pay(caller: Customer, body: ThingIn) -> Reply[ThingOut]:
    """Takes effect once."""
    _deed(body.name)
    if body.name == "late":
        raise LatePayment
    if body.name == "away":
        raise Unavailable
    if body.name == "bug":
        raise ZeroDivisionError
    return Reply(ThingOut(name=body.name, price=body.price, parts=len(RUNS)), headers={"Location": "/there"})


@kind.route("POST", "/confirm", idempotency=lambda body: body.name)
async def confirm(caller: Customer, body: ThingIn) -> Message:
    """Has a natural key."""
    _deed(body.name)
    if body.price == 1:
        raise LatePayment
    return Message(str(len(RUNS)))


#: Three an hour, by a setting that has that default.
SCARCE = Quota("scarce", "otp_per_hour", 3600)


@kind.route("POST", "/scarce", quota=SCARCE.when(lambda body: body.name != "free"), idempotency="optional")
async def scarce(caller: Customer, body: ThingIn) -> Message:
    """Three an hour."""
    return Message("ok")


class CamelThing(CamelBody):
    full_name: str
    unit_price: Money


class CamelThingOut(CamelView):
    full_name: str
    unit_price: Money


@camel.route("POST", "/things", permission="look")
async def camel_thing(caller: Technician, body: CamelThing) -> CamelThingOut:
    """In camelCase and minor units."""
    return CamelThingOut(full_name=body.full_name, unit_price=body.unit_price)


@camel.route("GET", "/forbidden", permission="touch")
async def forbidden(caller: Technician) -> None:
    """Nobody may."""
