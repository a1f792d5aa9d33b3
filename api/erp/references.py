"""What trade partners refer to: payment terms, VAT rates, areas, salespeople."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import EmailStr, Field, StringConstraints

from api.audiences import Member, erp
from api.erp.partner_details import (
    CityOut,
    GeoAreaOut,
    RegionOut,
    SalespersonOut,
    TermOut,
    VatTaxOut,
    area_out,
    salesperson_out,
    term_out,
    vat_out,
)
from api.erp.partner_views import Number
from api.shared.texts import text
from api.wire.models import Body, Query
from api.wire.results import Message, Reply
from dispatch.parties import references
from dispatch.services import Services

TAGS = ("references",)

Code = Annotated[str, text(50)]
Name = Annotated[str, text(100)]
Rate = Annotated[Decimal, Field(ge=0, le=100, max_digits=6, decimal_places=3)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class TermIn(Body):
    name: Name
    description: Words | None = None
    days: Annotated[int, Field(ge=0, le=3650)] = 0
    is_credit: bool = False
    is_cash: bool = False
    is_bank_transfer: bool = False


class TermChange(Body):
    keeps_null: ClassVar[frozenset[str]] = frozenset({"description"})

    name: Name | None = None
    description: Words | None = None
    days: Annotated[int, Field(ge=0, le=3650)] | None = None
    is_credit: bool | None = None
    is_cash: bool | None = None
    is_bank_transfer: bool | None = None


class VatIn(Body):
    code: Code
    type: Code = "STANDARD"
    name: Name
    percentage: Rate
    deduction: Rate = Decimal(0)


class VatChange(Body):
    code: Code | None = None
    type: Code | None = None
    name: Name | None = None
    percentage: Rate | None = None
    deduction: Rate | None = None


AreaType = Literal["region", "city", "area"]


class AreaIn(Body):
    type: AreaType = "area"
    code: Code
    name: Name
    name_ar: Name | None = None
    parent_id: Number | None = None


class AreaChange(Body):
    keeps_null: ClassVar[frozenset[str]] = frozenset({"name_ar", "parent_id"})

    type: AreaType | None = None
    code: Code | None = None
    name: Name | None = None
    name_ar: Name | None = None
    parent_id: Number | None = None


class AreaQuery(Query):
    type: AreaType | None = None
    parent_id: Number | None = None


class RegionQuery(Query):
    region_id: Number | None = None


class SalespersonIn(Body):
    code: Code
    name: Name
    email: EmailStr | None = None
    phone: Annotated[str, text(30)] | None = None
    is_active: bool = True


class SalespersonChange(Body):
    keeps_null: ClassVar[frozenset[str]] = frozenset({"email", "phone"})

    code: Code | None = None
    name: Name | None = None
    email: EmailStr | None = None
    phone: Annotated[str, text(30)] | None = None
    is_active: bool | None = None


# ---------------------------------------------------------------- payment terms


@erp.route("GET", "/payment-terms", permission="references:read", tags=TAGS)
async def list_terms(services: Services, caller: Member) -> list[TermOut]:
    """All payment terms."""
    async with services.read() as conn:
        return [term_out(t) for t in await references.payment_terms(conn)]


@erp.route("POST", "/payment-terms", idempotency="optional", status=201, permission="references:write", tags=TAGS)
async def create_term(services: Services, caller: Member, body: TermIn) -> Reply[TermOut]:
    """Add a payment term; an order is due so many `days` after its delivery.

    Example: {"name": "45 days", "days": 45, "is_credit": true}
    """
    async with services.transaction() as tx:
        made = await references.add_payment_term(tx, caller.actor, body.model_dump())
    return Reply(term_out(made), "Payment term created")


@erp.route("GET", "/payment-terms/{id}", permission="references:read", tags=TAGS)
async def get_term(services: Services, caller: Member, id: int) -> TermOut:
    """One payment term."""
    async with services.read() as conn:
        return term_out(await references.payment_term(conn, id))


async def update_term(services: Services, caller: Member, id: int, body: TermChange) -> Reply[TermOut]:
    """Change what is sent.

    Example: {"description": "Due 45 days after delivery", "days": 45}
    """
    async with services.transaction() as tx:
        saved = await references.change_payment_term(tx, caller.actor, id, body.model_dump(exclude_unset=True))
    return Reply(term_out(saved), "Payment term updated")


@erp.route("DELETE", "/payment-terms/{id}", permission="references:write", tags=TAGS)
async def delete_term(services: Services, caller: Member, id: int) -> Message:
    """Delete a payment term that no partner has."""
    async with services.transaction() as tx:
        await references.delete_payment_term(tx, caller.actor, id)
    return Message("Payment term deleted")


# ---------------------------------------------------------------- VAT


@erp.route("GET", "/vat-taxes", permission="references:read", tags=TAGS)
async def list_vat(services: Services, caller: Member) -> list[VatTaxOut]:
    """All VAT rates."""
    async with services.read() as conn:
        return [vat_out(v) for v in await references.vat_taxes(conn)]


@erp.route("POST", "/vat-taxes", idempotency="optional", status=201, permission="references:write", tags=TAGS)
async def create_vat(services: Services, caller: Member, body: VatIn) -> Reply[VatTaxOut]:
    """Add a VAT rate; partners name it by its code."""
    async with services.transaction() as tx:
        made = await references.add_vat_tax(tx, caller.actor, body.model_dump())
    return Reply(vat_out(made), "VAT rate created")


@erp.route("GET", "/vat-taxes/{id}", permission="references:read", tags=TAGS)
async def get_vat(services: Services, caller: Member, id: int) -> VatTaxOut:
    """One VAT rate."""
    async with services.read() as conn:
        return vat_out(await references.vat_tax(conn, id))


async def update_vat(services: Services, caller: Member, id: int, body: VatChange) -> Reply[VatTaxOut]:
    """Change what is sent; orders that were made keep their tax."""
    async with services.transaction() as tx:
        saved = await references.change_vat_tax(tx, caller.actor, id, body.model_dump(exclude_unset=True))
    return Reply(vat_out(saved), "VAT rate updated")


@erp.route("DELETE", "/vat-taxes/{id}", permission="references:write", tags=TAGS)
async def delete_vat(services: Services, caller: Member, id: int) -> Message:
    """Delete a VAT rate that no partner has."""
    async with services.transaction() as tx:
        await references.delete_vat_tax(tx, caller.actor, id)
    return Message("VAT rate deleted")


# ---------------------------------------------------------------- regions, cities, areas


@erp.route("GET", "/geo-areas", permission="references:read", tags=TAGS)
async def list_areas(services: Services, caller: Member, query: AreaQuery) -> list[GeoAreaOut]:
    """Regions, cities and areas, of one type, or of what lies in one of them."""
    async with services.read() as conn:
        return [area_out(a) for a in await references.geo_areas(conn, query.type, query.parent_id)]


@erp.route("GET", "/regions", permission="references:read", tags=TAGS)
async def list_regions(services: Services, caller: Member) -> list[RegionOut]:
    """All regions."""
    async with services.read() as conn:
        return [RegionOut(id=a.id, region=a.name) for a in await references.geo_areas(conn, "region")]


@erp.route("GET", "/villes", permission="references:read", tags=TAGS)
async def list_cities(services: Services, caller: Member, query: RegionQuery) -> list[CityOut]:
    """All cities, or those of a region."""
    async with services.read() as conn:
        found = await references.geo_areas(conn, "city", query.region_id)
    return [CityOut(id=a.id, ville=a.name, region_id=a.parent_id) for a in found]


@erp.route("POST", "/geo-areas", idempotency="optional", status=201, permission="references:write", tags=TAGS)
async def create_area(services: Services, caller: Member, body: AreaIn) -> Reply[GeoAreaOut]:
    """Add a region, a city in one, or an area in either."""
    async with services.transaction() as tx:
        made = await references.add_geo_area(tx, caller.actor, body.model_dump())
    return Reply(area_out(made), "Area created")


@erp.route("GET", "/geo-areas/{id}", permission="references:read", tags=TAGS)
async def get_area(services: Services, caller: Member, id: int) -> GeoAreaOut:
    """One region, city or area."""
    async with services.read() as conn:
        return area_out(await references.geo_area(conn, id))


async def update_area(services: Services, caller: Member, id: int, body: AreaChange) -> Reply[GeoAreaOut]:
    """Change what is sent; the type stays."""
    async with services.transaction() as tx:
        saved = await references.change_geo_area(tx, caller.actor, id, body.model_dump(exclude_unset=True))
    return Reply(area_out(saved), "Area updated")


@erp.route("DELETE", "/geo-areas/{id}", permission="references:write", tags=TAGS)
async def delete_area(services: Services, caller: Member, id: int) -> Message:
    """Delete an area in which nothing lies and no partner is."""
    async with services.transaction() as tx:
        await references.delete_geo_area(tx, caller.actor, id)
    return Message("Area deleted")


# ---------------------------------------------------------------- salespeople


@erp.route("GET", "/salespeople", permission="references:read", tags=TAGS)
async def list_salespeople(services: Services, caller: Member) -> list[SalespersonOut]:
    """All salespeople."""
    async with services.read() as conn:
        return [salesperson_out(s) for s in await references.salespeople(conn)]


@erp.route("POST", "/salespeople", idempotency="optional", status=201, permission="references:write", tags=TAGS)
async def create_salesperson(services: Services, caller: Member, body: SalespersonIn) -> Reply[SalespersonOut]:
    """Add a salesperson."""
    async with services.transaction() as tx:
        made = await references.add_salesperson(tx, caller.actor, body.model_dump())
    return Reply(salesperson_out(made), "Salesperson created")


@erp.route("GET", "/salespeople/{id}", permission="references:read", tags=TAGS)
async def get_salesperson(services: Services, caller: Member, id: int) -> SalespersonOut:
    """One salesperson."""
    async with services.read() as conn:
        return salesperson_out(await references.salesperson(conn, id))


async def update_salesperson(
    services: Services, caller: Member, id: int, body: SalespersonChange
) -> Reply[SalespersonOut]:
    """Change what is sent."""
    async with services.transaction() as tx:
        saved = await references.change_salesperson(tx, caller.actor, id, body.model_dump(exclude_unset=True))
    return Reply(salesperson_out(saved), "Salesperson updated")


@erp.route("DELETE", "/salespeople/{id}", permission="references:write", tags=TAGS)
async def delete_salesperson(services: Services, caller: Member, id: int) -> Message:
    """Delete a salesperson who has neither partners nor itineraries."""
    async with services.transaction() as tx:
        await references.delete_salesperson(tx, caller.actor, id)
    return Message("Salesperson deleted")


for _method in ("PUT", "PATCH"):
    for _path, _change in (
        ("/payment-terms/{id}", update_term), ("/vat-taxes/{id}", update_vat), ("/geo-areas/{id}", update_area),
        ("/salespeople/{id}", update_salesperson),
    ):  # fmt: skip
        erp.route(_method, _path, permission="references:write", tags=TAGS)(_change)
