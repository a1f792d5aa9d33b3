"""Services and their categories: what can be booked, for how much, and how it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import MOST_MINOR, Body, Currency, Money, View, within
from api.wire.results import File, Message, Page
from api.wire.uploads import Upload, UploadRules
from dispatch.engine import files, offered
from dispatch.engine.catalogue import ServiceIn
from dispatch.engine.offered import Prices
from dispatch.errors import Invalid, Missing
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage import services as rows
from storage.services import ServiceFile

Tier = Literal["Minimal", "Exclusive", "E-Lite"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]
Link = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^(https?://|/)[^\s<>\"']+$"),
    Field(examples=["https://cdn.example.com/facial.png"]),
]  # fmt: skip
Price = Annotated[Money, within(0, MOST_MINOR)]
Minutes = Annotated[int, Field(ge=5, le=720)]

SERVICES = Grammar(
    key="services", source=rows.everything,
    filters={"category": str, "tier": Tier, "service_type": str, "is_active": Once(bool), "currency": str},
)  # fmt: skip
IMAGE = UploadRules(
    {"file": 1}, files.PURPOSES["service_image"].most_bytes, files.PURPOSES["service_image"].kinds
)  # fmt: skip


class PriceIn(Body):
    """In one currency, which a zone says; `product_cost` null takes the price away."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"product_cost"})
    currency: Currency
    product_cost: Price | None
    market_price: Price | None = None


class ServiceChange(Body):
    """What may be changed of a service; what is absent stays, a null takes a description or an image away.
    `product_cost` is the price in the business's currency, `market_price` what it is compared with; further currencies
    stand in `prices`."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"description", "image_url"})
    name: Name | None = None
    description: Description | None = None
    category: Word | None = None
    service_type: Word | None = None
    tier: Tier | None = None
    product_cost: Price | None = None
    market_price: Price | None = None
    prices: Annotated[list[PriceIn], Field(max_length=50)] = []
    duration_minutes: Minutes | None = None
    image_url: Link | None = None
    image_file_id: UUID | None = None
    is_active: bool | None = None

    def changes(self) -> dict[str, Any]:
        """The fields of a ServiceIn that are given."""
        others = {"id", "product_cost", "market_price", "prices", "image_file_id"}
        given = self.model_dump(include=self.model_fields_set - others)
        return {name: value for name, value in given.items() if value is not None or name in self.keeps_null}

    def all_prices(self, currency: str, known: ServiceFile | None = None) -> Prices:
        """Prices by currency. Raises Invalid."""
        found: dict[str, tuple[int, int | None] | None] = {
            p.currency: None if p.product_cost is None else (p.product_cost, p.market_price) for p in self.prices
        }
        if self.product_cost is None and self.market_price is None:
            return found
        old = next((p for p in known.prices if p["currency"] == currency), {}) if known is not None else {}
        price = self.product_cost if self.product_cost is not None else old.get("price_minor")
        if price is None:
            raise Invalid({"product_cost": "A market price needs a price beside it."})
        listed = self.market_price if self.market_price is not None else old.get("list_price_minor")
        return {**found, currency: (price, listed)}


class NewService(ServiceChange):
    """A new service."""

    name: Name
    category: Word
    service_type: Word
    tier: Tier
    product_cost: Price

    def service(self, currency: str) -> ServiceIn:
        """As the domain writes it. Raises Invalid."""
        prices = {c: p for c, p in self.all_prices(currency).items() if p is not None}
        return ServiceIn(**{"duration_minutes": 60, **self.changes(), "prices": prices})


class PriceOut(View):
    currency: str
    product_cost: Money
    market_price: Money


class ServiceOut(View):
    """`product_cost` and `market_price` are in the business's currency; null where there is no price in it."""

    id: UUID
    name: str
    description: str | None
    category: str
    service_type: str
    tier: str
    product_cost: Money | None
    market_price: Money | None
    currency: str
    prices: list[PriceOut]
    duration_minutes: int
    image_url: str | None
    image_file_id: UUID | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class ServiceChanged(View):
    service: ServiceOut


@admin.route("GET", "/services", permission="services:read", listing=SERVICES, tags=["services"])
async def list_services(services: Services, caller: Admin, listing: Listing) -> Page[ServiceOut]:
    """All services, inactive ones too, by category and name."""
    async with services.read() as conn:
        found = await rows.everything.page(conn, listing.wanted)
    return Page.of(found, lambda row: service_out(services, row))


COLUMNS = (
    "id", "name", "category", "service_type", "tier", "product_cost", "market_price", "currency", "duration_minutes",
    "description", "is_active",
)  # fmt: skip


@admin.route("GET", "/services/export", permission="services:read", listing=whole(SERVICES), tags=["services"])
async def export_services(services: Services, caller: Admin, query: ExportQuery, listing: Listing) -> File:
    """All services that the list would show, as a file (csv, xlsx, pdf) that can be changed and imported again.

    The market price is empty where none is kept: imported with a higher cost, a copy of the old one would be below it.
    """
    currency, money = services.settings.currency, admin.dialect.money

    def line(row: ServiceFile) -> list[Cell]:
        kept = next((p for p in row.prices if p["currency"] == currency), {})
        prices = [None if v is None else money(v) for v in map(kept.get, ("price_minor", "list_price_minor"))]
        return [
            str(row.id), row.name, row.category, row.service_type, row.tier, *prices, currency,
            row.duration_minutes, row.description, row.is_active,
        ]  # fmt: skip

    pieces = exports.export(services, query.format, "Services", COLUMNS, rows.everything, listing.wanted, line)
    return file(pieces, "services", query.format)


@admin.route("POST", "/services", idempotency="optional", status=201, permission="services:write", tags=["services"])
async def create(services: Services, caller: Admin, body: NewService) -> ServiceChanged:
    """A new service; it can be booked at once, where there is a price in the zone's currency."""
    new = body.service(services.settings.currency)
    async with services.transaction() as tx:
        made = await offered.create(tx, new, caller.actor, body.image_file_id)
    return ServiceChanged(service=service_out(services, made))


@admin.route("GET", "/services/{id}", permission="services:read", tags=["services"])
async def one(services: Services, caller: Admin, id: UUID) -> ServiceChanged:
    """One service."""
    return ServiceChanged(service=service_out(services, await _get(services, id)))


@admin.route("PUT", "/services/{id}", permission="services:write", tags=["services"])
async def put(services: Services, caller: Admin, id: UUID, body: ServiceChange) -> ServiceChanged:
    """Change a service; what is absent stays, and bookings keep what was agreed."""
    return ServiceChanged(service=service_out(services, await change_one(services, caller, id, body)))


@admin.route("PATCH", "/services/{id}", permission="services:write", tags=["services"])
async def patch(services: Services, caller: Admin, id: UUID, body: ServiceChange) -> ServiceChanged:
    """The same under another method."""
    return ServiceChanged(service=service_out(services, await change_one(services, caller, id, body)))


@admin.route("POST", "/services/{id}/image", permission="services:write", tags=["services"])
async def set_image(services: Services, caller: Admin, id: UUID, upload: Annotated[Upload, IMAGE]) -> ServiceChanged:
    """Send a service's image in the field `file` of a form: png, jpeg or webp."""
    if not upload.files:
        raise Invalid({"file": "Send one image in this field."})
    await _get(services, id)
    sent = upload.files[0]
    received = await files.receive(services, "service_image", files.HOUSE, sent.name, sent.content, caller.actor)
    async with services.transaction() as tx:
        image = await files.keep(tx, received.id)
        changed = await offered.change(tx, id, caller.actor, {}, {}, image.id)
    return ServiceChanged(service=service_out(services, changed))


@admin.route("DELETE", "/services/{id}", permission="services:write", tags=["services"])
async def retire(services: Services, caller: Admin, id: UUID) -> Message:
    """Take a service out for good; old bookings keep it as it was booked."""
    async with services.transaction() as tx:
        await offered.retire(tx, id, caller.actor)
    return Message("Service deleted successfully")


async def _get(services: Services, service_id: UUID) -> ServiceFile:
    async with services.read() as conn:
        found = await rows.get(conn, service_id=service_id)
    if found is None:
        raise Missing("service")
    return found


async def change_one(services: Services, caller: Admin, service_id: UUID, body: ServiceChange) -> ServiceFile:
    """Changes one service in a transaction of its own. Raises Missing, Invalid."""
    async with services.transaction() as tx:
        known = await rows.lock(tx.conn, service_id=service_id)
        prices = body.all_prices(services.settings.currency, known)
        return await offered.change(tx, service_id, caller.actor, body.changes(), prices, body.image_file_id)


def service_out(services: Services, row: ServiceFile) -> ServiceOut:
    prices = [
        PriceOut(
            currency=p["currency"], product_cost=p["price_minor"],
            market_price=p["price_minor"] if p["list_price_minor"] is None else p["list_price_minor"],
        )
        for p in row.prices
    ]  # fmt: skip
    own = next((p for p in prices if p.currency == services.settings.currency), None)
    return ServiceOut(
        id=row.id, name=row.name, description=row.description, category=row.category, service_type=row.service_type,
        tier=row.tier, product_cost=own and own.product_cost, market_price=own and own.market_price,
        currency=services.settings.currency, prices=prices, duration_minutes=row.duration_minutes,
        image_url=row.image_url, image_file_id=row.image_file_id, is_active=row.is_active, created_at=row.created_at,
        updated_at=row.updated_at,
    )  # fmt: skip
