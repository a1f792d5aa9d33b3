"""What can be booked: the catalogue and one service, public and cacheable."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache, partial
from uuid import UUID

from pydantic import Field

from api.audiences import customer
from api.customer.addresses import Latitude, Longitude
from api.wire.models import Money, Query, View
from api.wire.results import Ready
from dispatch.engine import catalogue
from dispatch.engine.catalogue import Catalogue
from dispatch.services import Services
from storage.catalogue import ServiceRow

#: Shared caches may keep the catalogue for a minute and ask with its ETag afterwards.
CACHEABLE = {"Cache-Control": "public, max-age=60, must-revalidate"}


class Where(Query):
    """Where prices are wanted for: their currency is the zone's."""

    pincode: str | None = Field(None, max_length=10)
    lat: Latitude = None
    lng: Longitude = None


class CatalogueQuery(Where):
    category: str | None = Field(None, max_length=100)
    tier: str | None = Field(None, max_length=100)


class ServiceOut(View):
    id: UUID
    name: str
    description: str | None
    category: str
    service_type: str
    tier: str
    product_cost: Money
    market_price: Money
    currency: str
    duration_minutes: int
    image_url: str | None


class CatalogueOut(View):
    categories: dict[str, list[ServiceOut]]
    all_services: list[ServiceOut]
    last_updated: datetime


def service_out(row: ServiceRow) -> ServiceOut:
    return ServiceOut(
        id=row.id, name=row.name, description=row.description, category=row.category,
        service_type=row.service_type,
        tier=row.tier, product_cost=row.price_minor,
        market_price=row.price_minor if row.list_price_minor is None else row.list_price_minor,
        currency=row.currency, duration_minutes=row.duration_minutes, image_url=row.image_url,
    )  # fmt: skip


def currency_at(services: Services, where: Where) -> str:
    """The currency of prices at a place: its zone's, else the one that all zones share, else the setting."""
    book, zone = services.zones, None
    if where.lat is not None and where.lng is not None:
        zone = book.locate(where.lat, where.lng)
    elif where.pincode and (centre := book.by_pincode(where.pincode)):
        zone = centre.zone
    return zone.currency if zone else book.terms((services.settings.currency, services.settings.timezone))[0]


@lru_cache(maxsize=1024)
def etag_of(*parts: str | None) -> str:
    """A strong ETag: the body is a function of these parts and of nothing else."""
    return '"' + hashlib.sha256("|".join(map(repr, parts)).encode()).hexdigest()[:32] + '"'


# Real front ends know it by this name too.
@customer.route("GET", "/services", scope="services:read", public=True, tags=["catalogue"])
@customer.route("GET", "/services/catalog", scope="services:read", public=True, tags=["catalogue"])
async def catalog(services: Services, query: CatalogueQuery) -> Ready[CatalogueOut]:
    """Everything that can be booked, by category and in one list."""
    found, currency = await catalogue.current(services), currency_at(services, query)
    etag = etag_of("catalogue", found.digest(currency), query.category, query.tier)
    return Ready(etag, partial(_catalogue_out, found, currency, query.category, query.tier), CACHEABLE)


@customer.route("GET", "/services/{id}", scope="services:read", public=True, tags=["catalogue"])
async def service(services: Services, id: UUID, query: Where) -> Ready[ServiceOut]:
    """One service."""
    found, currency = await catalogue.current(services), currency_at(services, query)
    row = found.get(id, currency)
    return Ready(etag_of("service", found.digest(currency), str(id)), partial(service_out, row), CACHEABLE)


def _catalogue_out(found: Catalogue, currency: str, category: str | None, tier: str | None) -> CatalogueOut:
    offered = [service_out(s) for s in found.offered(currency, category=category, tier=tier)]
    categories: dict[str, list[ServiceOut]] = {}
    for one in offered:
        categories.setdefault(one.category, []).append(one)
    return CatalogueOut(categories=categories, all_services=offered, last_updated=found.last_updated)
