"""Price lists: what services cost the trade partners that have them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from api.audiences import Member, erp
from api.shared.texts import text
from api.wire.models import MOST_MINOR, Body, Money, View, within
from api.wire.results import Message, Reply
from dispatch.parties import references
from dispatch.services import Services
from storage.references import PriceList, PriceListItem

TAGS = ("references",)

Code = Annotated[str, text(50)]
Name = Annotated[str, text(100)]


class PriceListIn(Body):
    code: Code
    name: Name
    is_active: bool = True


class PriceListChange(Body):
    code: Code | None = None
    name: Name | None = None
    is_active: bool | None = None


class PriceIn(Body):
    service_id: UUID
    price: Annotated[Money, within(0, MOST_MINOR)]


def _each_once(items: list[PriceIn]) -> list[PriceIn]:
    counts = Counter(item.service_id for item in items)
    if twice := [str(service_id) for service_id, count in counts.items() if count > 1]:
        raise ValueError(f"must name each service once; more than once there is {', '.join(twice[:20])}")
    return items


class PricesIn(Body):
    items: Annotated[list[PriceIn], Field(min_length=1, max_length=1000), AfterValidator(_each_once)]


class PriceListOut(View):
    id: int
    code: str
    name: str
    is_active: bool


class PriceOut(View):
    service_id: UUID
    service_name: str
    price: Money


class PriceListDetail(PriceListOut):
    items: list[PriceOut]


@erp.route("GET", "/price-lists", permission="references:read", tags=TAGS)
async def list_price_lists(services: Services, caller: Member) -> list[PriceListOut]:
    """All price lists."""
    async with services.read() as conn:
        return [price_list_out(p) for p in await references.price_lists(conn)]


@erp.route("POST", "/price-lists", idempotency="optional", status=201, permission="references:write", tags=TAGS)
async def create_price_list(services: Services, caller: Member, body: PriceListIn) -> Reply[PriceListOut]:
    """Add a price list."""
    async with services.transaction() as tx:
        made = await references.add_price_list(tx, caller.actor, body.model_dump())
    return Reply(price_list_out(made), "Price list created")


@erp.route("GET", "/price-lists/{id}", permission="references:read", tags=TAGS)
async def get_price_list(services: Services, caller: Member, id: int) -> PriceListDetail:
    """One price list with its prices; what is not on it costs what the catalogue says."""
    async with services.read() as conn:
        found = await references.price_list(conn, id)
        items = await references.price_list_items(conn, id)
    return PriceListDetail(**price_list_out(found).model_dump(), items=[price_out(i) for i in items])


async def update_price_list(services: Services, caller: Member, id: int, body: PriceListChange) -> Reply[PriceListOut]:
    """Change what is sent."""
    async with services.transaction() as tx:
        saved = await references.change_price_list(tx, caller.actor, id, body.model_dump(exclude_unset=True))
    return Reply(price_list_out(saved), "Price list updated")


@erp.route("DELETE", "/price-lists/{id}", permission="references:write", tags=TAGS)
async def delete_price_list(services: Services, caller: Member, id: int) -> Message:
    """Delete a price list that no partner has."""
    async with services.transaction() as tx:
        await references.delete_price_list(tx, caller.actor, id)
    return Message("Price list deleted")


@erp.route("PUT", "/price-lists/{id}/items", permission="references:write", tags=TAGS)
async def put_prices(services: Services, caller: Member, id: int, body: PricesIn) -> Message:
    """Set the prices of some services on a list; the others stay.

    Example: {"items": [{"service_id": "11111111-1111-4111-8111-111111111111", "price": 750}]}
    """
    async with services.transaction() as tx:
        await references.put_prices(tx, caller.actor, id, {i.service_id: i.price for i in body.items})
    return Message("Prices updated")


@erp.route("DELETE", "/price-lists/{id}/items/{service_id}", permission="references:write", tags=TAGS)
async def drop_price(services: Services, caller: Member, id: int, service_id: UUID) -> Message:
    """Take a service off a list: it costs what the catalogue says again."""
    async with services.transaction() as tx:
        await references.drop_price(tx, caller.actor, id, service_id)
    return Message("Price removed")


for _method in ("PUT", "PATCH"):
    erp.route(_method, "/price-lists/{id}", permission="references:write", tags=TAGS)(update_price_list)


def price_list_out(row: PriceList) -> PriceListOut:
    return PriceListOut(id=row.id, code=row.code, name=row.name, is_active=row.is_active)


def price_out(row: PriceListItem) -> PriceOut:
    return PriceOut(service_id=row.service_id, service_name=row.service_name, price=row.price_minor)
