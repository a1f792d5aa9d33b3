"""A trade partner on the wire: what its forms take, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    EmailStr,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
)

from api.shared.texts import text
from api.wire.models import Body, Day, Degrees, Money, View
from dispatch.config import Settings
from dispatch.parties import custom_fields, erp_customers
from dispatch.parties.trade_partners import Form, Profile, day_of_block, end_of_block
from dispatch.services import Services
from storage.custom_fields import Kept
from storage.database.pool import Conn
from storage.trade_partners import TradePartner

Status = Literal["ACTIVE", "ON_HOLD", "BLOCKED", "CLOSED"]
#: What is counted here, as a bigint's positive half takes it.
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


def _hundredths(value: float) -> float:
    if Decimal(str(value)) != round(Decimal(str(value)), 2):
        raise ValueError("must have at most 2 decimals")
    return value


#: As fine as it is kept: what is sent is what is shown.
Percent = Annotated[float, Field(ge=0, le=100), AfterValidator(_hundredths)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Amount = Annotated[Money, Field(ge=0)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
#: Blank is nothing, as a form sends a line that nobody filled in.
Email = Annotated[EmailStr | None, BeforeValidator(lambda given: None if given == "" else given)]
Line = StringConstraints(strip_whitespace=True, max_length=255)
Short = StringConstraints(strip_whitespace=True, max_length=50)
Text100 = StringConstraints(strip_whitespace=True, max_length=100)


#: Words, or words for each day.
OpeningHours = Annotated[str, StringConstraints(max_length=1000)] | Annotated[dict[str, str], Field(max_length=20)]


def _both(value: float | None, info: ValidationInfo) -> float | None:
    if "geo_lat" in info.data and (info.data["geo_lat"] is None) != (value is None):
        raise ValueError("geo_lat and geo_lng go together: send both or neither")
    return value


class PartnerFields(Body):
    """All but what a new partner must have. Sent as null, a field is emptied."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({
        "customer_id", "organization_id", "price_list_id", "parent_partner_id", "salesperson_id",
        "tax_number_ice", "tax_number_if", "vat_group_code", "phone", "whatsapp", "email", "website",
        "address_line1", "address_line2", "city", "region", "country", "postal_code", "geo_area_code",
        "geo_lat", "geo_lng", "opening_hours", "delivery_instructions", "min_order_amount", "delivery_zone",
        "blocked_until", "block_reason", "default_discount_rate", "default_discount_amount",
        "max_discount_rate",
    })  # fmt: skip

    code: Annotated[str, text(50)] | None = None
    customer_id: Number | None = None
    #: The organisation whose bookings this partner carries.
    organization_id: UUID | None = None
    price_list_id: Number | None = None
    payment_term_id: Number | None = None
    status: Status | None = None
    partner_type: Annotated[str, text(50)] | None = None
    channel: Annotated[str, text(50)] | None = None
    is_b2b: bool | None = None
    credit_limit: Amount | None = None
    tax_number_ice: Annotated[str, Short] | None = None
    tax_number_if: Annotated[str, Short] | None = None
    tax_exempt: bool | None = None
    vat_group_code: Annotated[str, Short] | None = None
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] | None = None
    whatsapp: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] | None = None
    email: Email = None
    website: Annotated[str, Line] | None = None
    address_line1: Annotated[str, Line] | None = None
    address_line2: Annotated[str, Line] | None = None
    city: Annotated[str, Text100] | None = None
    region: Annotated[str, Text100] | None = None
    country: Annotated[str, Text100] | None = None
    postal_code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] | None = None
    geo_area_code: Annotated[str, Short] | None = None
    geo_lat: Latitude | None = None
    geo_lng: Annotated[Longitude | None, AfterValidator(_both), Field(validate_default=True)] = None
    opening_hours: OpeningHours | None = None
    delivery_instructions: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] | None = None
    min_order_amount: Amount | None = None
    delivery_zone: Annotated[str, Text100] | None = None
    parent_partner_id: Number | None = None
    salesperson_id: Number | None = None
    blocked_until: Day | None = None
    block_reason: Reason | None = None
    default_discount_rate: Percent | None = None
    default_discount_amount: Amount | None = None
    max_discount_rate: Percent | None = None


class NewPartner(PartnerFields):
    name: Annotated[str, text(255)]


class PartnerChange(PartnerFields):
    name: Annotated[str, text(255)] | None = None


class AuthIn(Body):
    """Whoever is to be the partner's customer: the account is made with the partner."""

    name: Annotated[str, text(100)]
    last_name: Annotated[str, text(100)] | None = None
    email: EmailStr
    password: Annotated[str, Field(min_length=1, max_length=256)]
    phone: Annotated[str, text(30)] | None = None


#: By a custom field's id.
CustomValues = Annotated[dict[str, str | int | float | bool | None], Field(max_length=200)]


class FlatPartner(NewPartner):
    auth: AuthIn | None = None
    custom_fields: CustomValues = {}

    @property
    def partner(self) -> PartnerFields:
        return self


class NestedPartner(Body):
    partner: NewPartner
    auth: AuthIn | None = None
    custom_fields: CustomValues = {}


class FlatChange(PartnerChange):
    auth: AuthIn | None = None
    custom_fields: CustomValues = {}

    @property
    def partner(self) -> PartnerFields:
        return self


class NestedChange(Body):
    partner: PartnerChange = PartnerChange()
    auth: AuthIn | None = None
    custom_fields: CustomValues = {}


def _style(given: Any) -> str:
    return "nested" if isinstance(given, Mapping) and "partner" in given else "flat"


PartnerIn = Annotated[
    Annotated[FlatPartner, Tag("flat")] | Annotated[NestedPartner, Tag("nested")], Discriminator(_style)
]
ChangeIn = Annotated[Annotated[FlatChange, Tag("flat")] | Annotated[NestedChange, Tag("nested")], Discriminator(_style)]

#: The contract's names of a partner's columns, where they are not the columns' own.
_NAMES = {
    "customer_id": "customer_no", "organization_id": "organisation_id", "parent_partner_id": "parent_no",
    "credit_limit": "credit_limit_minor", "min_order_amount": "min_order_minor",
    "default_discount_amount": "default_discount_minor",
}  # fmt: skip
_RATES = ("default_discount_rate", "max_discount_rate")
_COLUMNS = frozenset(Profile.__dataclass_fields__)


async def form_of(services: Services, body: FlatPartner | NestedPartner | FlatChange | NestedChange) -> Form:
    """What was sent of a partner, by its columns. Raises Invalid for a password or a phone that is none."""
    sent = body.partner.model_dump(exclude_unset=True)
    timezone = services.settings.timezone
    columns: dict[str, Any] = {}
    for name, value in sent.items():
        column = _NAMES.get(name, name)
        if column not in _COLUMNS:
            continue
        if name == "blocked_until" and value is not None:
            value = end_of_block(value, timezone)
        # A blank text says as little as none; rates are kept as they are written.
        columns[column] = None if value == "" else value
    auth = body.auth
    account = None
    if auth is not None:
        account = await erp_customers.new_account(
            services, name=auth.name, last_name=auth.last_name, email=auth.email, password=auth.password,
            phone=auth.phone,
        )  # fmt: skip
    return Form(columns, body.custom_fields, sent.get("payment_term_id"), account)


# ---------------------------------------------------------------- out


class PriceListBrief(View):
    id: int
    code: str
    name: str


class CustomValueOut(View):
    custom_field_id: int
    field_name: str
    field_label: str
    field_type: str
    value: str | int | float | bool
    formatted_value: str


class PartnerOut(View):
    """One trade partner. `credit_available` may be below zero: a limit may be set lower than what is used."""

    id: int
    uuid: UUID
    code: str
    name: str
    customer_id: int | None
    organization_id: UUID | None
    price_list_id: int | None
    payment_term_id: int | None
    status: str
    partner_type: str
    channel: str
    is_b2b: bool
    email: str | None
    phone: str | None
    whatsapp: str | None
    website: str | None
    credit_limit: Money
    credit_used: Money
    credit_available: Money
    tax_number_ice: str | None
    tax_number_if: str | None
    tax_exempt: bool
    vat_group_code: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    region: str | None
    country: str | None
    postal_code: str | None
    geo_area_code: str | None
    geo_lat: Degrees | None
    geo_lng: Degrees | None
    opening_hours: OpeningHours | None
    delivery_instructions: str | None
    min_order_amount: Money | None
    delivery_zone: str | None
    parent_partner_id: int | None
    salesperson_id: int | None
    blocked_until: date | None
    block_reason: str | None
    default_discount_rate: float | None
    default_discount_amount: Money | None
    max_discount_rate: float | None
    created_at: datetime
    updated_at: datetime
    price_list: PriceListBrief | None
    custom_field_values: list[CustomValueOut]


def partner_out(row: TradePartner, settings: Settings, values: Iterable[Kept] = ()) -> PartnerOut:
    return PartnerOut(**columns_out(row, settings, values))


def columns_out(row: TradePartner, settings: Settings, values: Iterable[Kept] = ()) -> dict[str, Any]:
    """A partner's fields by their public names."""
    price_list = None
    if row.price_list_id is not None:
        price_list = PriceListBrief(
            id=row.price_list_id, code=row.price_list_code or "", name=row.price_list_name or ""
        )
    found: dict[str, Any] = {name: getattr(row, _NAMES.get(name, name)) for name in _OWN}
    return found | {
        "id": row.no, "uuid": row.party_id, "credit_used": row.credit_used_minor,
        "credit_available": row.credit_available_minor, "default_discount_rate": _rate(row.default_discount_rate),
        "max_discount_rate": _rate(row.max_discount_rate),
        "blocked_until": day_of_block(row.blocked_until, settings.timezone), "price_list": price_list,
        "custom_field_values": [value_out(value) for value in values],
    }  # fmt: skip


#: The fields that are a column each, under its name or the contract's.
_OWN = [
    name for name in PartnerOut.model_fields
    if name not in (
        "id", "uuid", "credit_used", "credit_available", *_RATES, "blocked_until", "price_list", "custom_field_values",
    )
]  # fmt: skip


def _rate(value: Any) -> float | None:
    return None if value is None else float(value)


def value_out(value: Kept) -> CustomValueOut:
    return CustomValueOut(
        custom_field_id=value.field_id, field_name=value.field_name, field_label=value.field_label,
        field_type=value.field_type, value=custom_fields.shown(value), formatted_value=custom_fields.formatted(value),
    )  # fmt: skip


async def with_values(conn: Conn, rows: list[TradePartner], settings: Settings) -> dict[int, PartnerOut]:
    """Partners by their numbers, with their custom values: one more statement for all of them."""
    values = await custom_fields.of(conn, "partner", [str(row.no) for row in rows])
    return {row.no: partner_out(row, settings, values.get(str(row.no), ())) for row in rows}


def hour(value: time | None) -> str | None:
    return None if value is None else value.strftime("%H:%M")
