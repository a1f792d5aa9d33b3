"""Trade partners as lists: both grammars, while somebody types, around a place, and as figures."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from api.audiences import Member, erp
from api.erp.partner_views import (
    Amount,
    Latitude,
    Longitude,
    PartnerOut,
    PriceListBrief,
    Status,
    columns_out,
    with_values,
)
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Money, Query, View
from api.wire.results import Page, PageWith, ReplyWith, Whole
from dispatch.parties import partner_search, references, trade_partners
from dispatch.services import Services
from storage.database.listing import Slice, Wanted
from storage.trade_partners import TradePartner

TAGS = ("partners",)

_FILTERS: dict[str, Any] = {"status": Status, "partner_type": str, "channel": str, "price_list_id": int}
#: Of both lists; the longer one names more of them.
SORTS = {name: name for name in trade_partners.LIST.sorts}
SHORT = Grammar(key="partners", source=trade_partners.LIST, filters=_FILTERS, sorts=SORTS)
LONG = Grammar(
    source=trade_partners.LIST,
    filters={
        **_FILTERS, "salesperson_id": int, "parent_partner_id": int, "city": Once(str), "region": Once(str),
        "is_b2b": Once(bool), "blocked": Once(bool), "min_credit_limit": Once(Amount), "max_credit_limit": Once(Amount),
    },
    sorts=SORTS,
)  # fmt: skip


class FiltersOut(View):
    """What was asked for, as a form shows it: empty where nothing was."""

    q: str
    status: str
    partner_type: str
    channel: str
    price_list_id: int


class ListedOut(View):
    filters: FiltersOut
    priceLists: list[PriceListBrief]  # noqa: N815 (the contract's name)


class AllQuery(Query):
    """`all` lists everything at once, without pages."""

    all: bool = False


class SearchQuery(Query):
    q: Annotated[str, Field(max_length=200)] = ""


class FoundOut(View):
    id: int
    code: str
    name: str
    email: str | None
    phone: str | None
    status: str


class NearbyQuery(Query):
    """In degrees; the radius in km. Of more than `limit` the nearest; a higher one than there is means the highest."""

    lat: Latitude
    lng: Longitude
    radius: Annotated[float, Field(gt=0, le=100)] = 10.0
    limit: Annotated[int, Field(ge=1), AfterValidator(lambda n: min(n, partner_search.MOST_NEAR))] = partner_search.NEAR


class NearOut(PartnerOut):
    """`distance` in km."""

    distance: float


class TypeCount(View):
    partner_type: str
    count: int


class ChannelCount(View):
    channel: str
    count: int


class StatisticsOut(View):
    """`by_type` and `by_channel` name the thousand commonest; the partners of all others are counted beside them."""

    total: int
    active: int
    blocked: int
    on_hold: int
    closed: int
    by_type: list[TypeCount]
    other_types: int
    by_channel: list[ChannelCount]
    other_channels: int
    total_credit_limit: Money
    total_credit_used: Money
    with_customer: int


class StatisticsAnswer(View):
    statistics: StatisticsOut


@erp.route("GET", "/partners", permission="partners:read", listing=SHORT, tags=TAGS)
async def list_partners(services: Services, caller: Member, listing: Listing) -> PageWith[PartnerOut, ListedOut]:
    """Trade partners page by page, with what was filtered by and the price lists to filter by."""
    async with services.read() as conn:
        found = await trade_partners.page(conn, wanted(listing))
        shown = await with_values(conn, found.rows, services.settings)
        lists = await references.price_lists(conn)
    extra = ListedOut(
        filters=_echo(listing), priceLists=[PriceListBrief(id=p.id, code=p.code, name=p.name) for p in lists]
    )
    return PageWith.among(found, lambda row: shown[row.no], extra)


@erp.route("GET", "/partners/list/all", permission="partners:read", listing=LONG, tags=TAGS)
async def list_all(
    services: Services, caller: Member, listing: Listing, query: AllQuery
) -> Page[PartnerOut] | Whole[PartnerOut]:
    """The same with more filters, in pages, or with `all` everything at once: up to a limit, beyond it exported."""
    if query.all:
        return Whole(_batches(services, wanted(listing)))
    async with services.read() as conn:
        found: Slice[TradePartner] = await trade_partners.page(conn, wanted(listing))
        shown = await with_values(conn, found.rows, services.settings)
    return Page.of(found, lambda row: shown[row.no])


@erp.route("GET", "/partners/search", permission="partners:read", tags=TAGS)
async def search_partners(services: Services, caller: Member, query: SearchQuery) -> list[FoundOut]:
    """While somebody types: at most 20 whose code, name, e-mail or phone has words that begin so."""
    async with services.read() as conn:
        found = await partner_search.typed(conn, query.q)
    return [FoundOut(id=f.no, code=f.code, name=f.name, email=f.email, phone=f.phone, status=f.status) for f in found]


@erp.route("GET", "/partners/nearby", permission="partners:read", tags=TAGS)
async def nearby(services: Services, caller: Member, query: NearbyQuery) -> list[NearOut]:
    """Partners around a place, the nearest first, with their distance in km."""
    async with services.read() as conn:
        found = await partner_search.near(conn, query.lat, query.lng, query.radius * 1000, query.limit)
    return [NearOut(**columns_out(n.partner, services.settings), distance=round(n.distance_m / 1000, 3)) for n in found]


@erp.route("GET", "/partners/statistics", permission="partners:read", tags=TAGS)
async def statistics(services: Services, caller: Member) -> ReplyWith[None, StatisticsAnswer]:
    """How many partners there are, by status, type and channel, and how their credit stands."""
    async with services.read() as conn:
        found = await trade_partners.statistics(conn)
    shown = StatisticsOut(
        total=found.total.total, active=found.total.active, blocked=found.total.blocked, on_hold=found.total.on_hold,
        closed=found.total.closed,
        by_type=[TypeCount(partner_type=name, count=count) for name, count in found.types.named.items()],
        other_types=found.types.others,
        by_channel=[ChannelCount(channel=name, count=count) for name, count in found.channels.named.items()],
        other_channels=found.channels.others,
        total_credit_limit=found.total.total_credit_limit_minor, total_credit_used=found.total.total_credit_used_minor,
        with_customer=found.total.with_customer,
    )  # fmt: skip
    return ReplyWith(None, extra=StatisticsAnswer(statistics=shown))


def wanted(listing: Listing) -> Wanted:
    """What is asked of the rows: a price list 0 is how forms say that they mean none."""
    filters = dict(listing.wanted.filters)
    if filters.get("price_list_id") == [0]:
        del filters["price_list_id"]
    return replace(listing.wanted, filters=filters)


def _echo(listing: Listing) -> FiltersOut:
    def one(name: str) -> str:
        return ",".join(str(value) for value in listing.filters.get(name, ()))

    lists = listing.filters.get("price_list_id") or [0]
    return FiltersOut(
        q=listing.search or "", status=one("status"), partner_type=one("partner_type"), channel=one("channel"),
        price_list_id=lists[0],
    )  # fmt: skip


async def _batches(services: Services, asked: Wanted) -> AsyncGenerator[list[PartnerOut], None]:
    async with aclosing(trade_partners.whole(services, asked)) as batches:
        async for conn, rows in batches:
            shown = await with_values(conn, rows, services.settings)
            yield [shown[row.no] for row in rows]
