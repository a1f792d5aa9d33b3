"""Promo codes: what they are worth, for whom and how long."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from api.audiences import Admin, admin
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body, Currency, Moment, Money, View, money_in
from api.wire.results import File, Page
from dispatch.billing import promos
from dispatch.errors import Invalid
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage import promos as rows
from storage.promos import PromoRow

CodeText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_-]+$"),
    AfterValidator(str.upper),
]  # fmt: skip
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
#: Percent or an amount: the type of the discount says which.
Value = Annotated[float, Field(gt=0, le=10_000_000)]
Count = Annotated[int, Field(ge=1, le=10**9, strict=True)]
Positive = Annotated[Money, Field(gt=0)]

PROMOS = Grammar(
    key="promo_codes", source=rows.everything,
    filters={
        "is_active": Once(bool), "discount_type": Literal["percentage", "fixed"], "currency": str,
        "is_current": Once(bool),
    },
)  # fmt: skip


def _after_start(value: datetime | None, info: ValidationInfo) -> datetime | None:
    start = info.data.get("valid_from")
    if value is not None and start is not None and value <= start:
        raise ValueError("must be after valid_from")
    return value


class PromoIn(Body):
    """What may be changed; what is absent stays. A null takes a limit or an end of the window away."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({
        "min_order_amount", "max_discount", "usage_limit", "total_usage_limit", "valid_from", "valid_until",
        "description",
    })  # fmt: skip

    description: Description | None = None
    discount_value: Value | None = None
    min_order_amount: Positive | None = None
    max_discount: Positive | None = None
    usage_limit: Count | None = None
    total_usage_limit: Count | None = None
    valid_from: Moment | None = None
    valid_until: Annotated[Moment | None, AfterValidator(_after_start)] = None
    is_active: bool | None = None


class NewPromoIn(PromoIn):
    """`usage_limit` is for each customer, `total_usage_limit` for all of them."""

    code: CodeText
    discount_type: Literal["percentage", "fixed"]
    discount_value: Value
    currency: Currency | None = None


class PromoOut(View):
    """`discount_value` is percent or an amount, as the type says; `used_count` are the uses that stand."""

    id: UUID
    code: str
    description: str | None
    discount_type: str
    discount_value: float
    currency: str
    min_order_amount: Money | None
    max_discount: Money | None
    usage_limit: int | None
    total_usage_limit: int | None
    used_count: int
    valid_from: datetime | None
    valid_until: datetime | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class PromoChanged(View):
    promo_code: PromoOut


@admin.route("GET", "/promo-codes", permission="promos:read", listing=PROMOS, tags=["promo codes"])
async def list_promos(services: Services, caller: Admin, listing: Listing) -> Page[PromoOut]:
    """All promo codes, the newest first; `is_current` are those that could be used now."""
    async with services.read() as conn:
        return Page.of(await rows.everything.page(conn, listing.wanted), promo_out)


COLUMNS = (
    "Code", "Description", "Type", "Value", "Currency", "Least order", "Most discount", "Uses per customer", "Uses",
    "Used", "From", "Until", "Active",
)  # fmt: skip


@admin.route("GET", "/promo-codes/export", permission="promos:read", listing=whole(PROMOS), tags=["promo codes"])
async def export_promos(services: Services, caller: Admin, query: ExportQuery, listing: Listing) -> File:
    """All promo codes that the list would show, as a file: csv, xlsx, pdf."""
    pieces = exports.export(services, query.format, "Promo codes", COLUMNS, rows.everything, listing.wanted, _line)
    return file(pieces, "promo_codes", query.format)


def _line(p: PromoRow) -> list[Cell]:
    least, most = (None if v is None else admin.dialect.money(v) for v in (p.min_order_minor, p.max_discount_minor))
    return [
        p.code, p.description, p.discount_type, promo_out(p).discount_value, p.currency, least, most,
        p.per_user_limit, p.total_limit, p.used_count, p.valid_from, p.valid_until, p.is_active,
    ]  # fmt: skip


@admin.route(
    "POST", "/promo-codes", idempotency="optional", status=201, permission="promos:write", tags=["promo codes"]
)
async def create(services: Services, caller: Admin, body: NewPromoIn) -> PromoChanged:
    """A new code; one that is there is not replaced."""
    new = promos.PromoIn(
        code=body.code, currency=body.currency or services.settings.currency,
        **promos.discount(body.discount_type, body.discount_value, _minor), description=body.description,
        min_order_minor=body.min_order_amount, max_discount_minor=body.max_discount,
        per_user_limit=body.usage_limit, total_limit=body.total_usage_limit, valid_from=body.valid_from,
        valid_until=body.valid_until, is_active=body.is_active is not False,
    )  # fmt: skip
    async with services.transaction() as tx:
        return PromoChanged(promo_code=promo_out(await promos.create(tx, new, caller.actor)))


@admin.route("GET", "/promo-codes/{id}", permission="promos:read", tags=["promo codes"])
async def one(services: Services, caller: Admin, id: UUID) -> PromoChanged:
    """One promo code."""
    async with services.read() as conn:
        return PromoChanged(promo_code=promo_out(await promos.get(conn, id)))


@admin.route("PUT", "/promo-codes/{id}", permission="promos:write", tags=["promo codes"])
async def change(services: Services, caller: Admin, id: UUID, body: PromoIn) -> PromoChanged:
    """Change a code; bookings that used it keep what they got."""
    return PromoChanged(promo_code=promo_out(await change_one(services, caller, id, body)))


@admin.route("PATCH", "/promo-codes/{id}", permission="promos:write", tags=["promo codes"])
async def patch(services: Services, caller: Admin, id: UUID, body: PromoIn) -> PromoChanged:
    """The same under another method."""
    return PromoChanged(promo_code=promo_out(await change_one(services, caller, id, body)))


async def change_one(services: Services, caller: Admin, promo_id: UUID, body: PromoIn) -> PromoRow:
    """Changes one code in a transaction of its own. Raises Missing, Invalid."""
    names = {
        "description": "description", "min_order_amount": "min_order_minor", "max_discount": "max_discount_minor",
        "usage_limit": "per_user_limit", "total_usage_limit": "total_limit", "valid_from": "valid_from",
        "valid_until": "valid_until", "is_active": "is_active",
    }  # fmt: skip
    changes = {names[n]: getattr(body, n) for n in body.model_fields_set if n in names}
    async with services.transaction() as tx:
        return await promos.change(tx, promo_id, caller.actor, changes, body.discount_value, _minor)


def _minor(value: float) -> int:
    """An amount as this audience writes it, in minor units. Raises Invalid."""
    try:
        return money_in(value, admin.dialect)
    except ValueError as error:
        raise Invalid({"discount_value": str(error)}) from error


def promo_out(p: PromoRow) -> PromoOut:
    value = float(p.discount_percent) if p.discount_percent is not None else admin.dialect.money(p.discount_minor or 0)
    return PromoOut(
        id=p.id, code=p.code, description=p.description, discount_type=p.discount_type, discount_value=value,
        currency=p.currency, min_order_amount=p.min_order_minor, max_discount=p.max_discount_minor,
        usage_limit=p.per_user_limit, total_usage_limit=p.total_limit, used_count=p.used_count,
        valid_from=p.valid_from, valid_until=p.valid_until, is_active=p.is_active, created_at=p.created_at,
        updated_at=p.updated_at,
    )  # fmt: skip
