"""One trade partner with all that is tied to it, and what its form can choose from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from api.erp.partner_views import PartnerOut, PriceListBrief, columns_out, hour
from api.wire.models import Money, View
from dispatch.parties import custom_fields, erp_customers, partner_terms, references
from dispatch.services import Services
from storage import erp_customers as customer_rows
from storage import itineraries as itinerary_rows
from storage import trade_orders as order_rows
from storage import trade_partners as rows
from storage.custom_fields import CustomField, Kept
from storage.database.pool import Conn
from storage.erp_customers import ErpCustomer
from storage.itineraries import Stop
from storage.payment_terms import PaymentTerm
from storage.references import GeoArea, Salesperson, VatTax
from storage.trade_orders import DeliveryNote, TradeOrder
from storage.trade_partners import Brief, TradePartner

#: Of one partner so many orders, notes, visits and partners below it are shown beside it.
MOST_BESIDE = 100
#: The contract numbers the kinds of areas.
AREA_TYPES = {"region": 1, "city": 2, "area": 3}


class UserOut(View):
    id: int
    name: str | None
    email: str | None
    phone: str | None


class CustomerOut(View):
    id: int
    user: UserOut


class BriefOut(View):
    id: int
    code: str
    name: str
    status: str


class SalespersonOut(View):
    id: int
    code: str
    name: str
    email: str | None
    phone: str | None
    is_active: bool


class TermOut(View):
    id: int
    name: str
    description: str | None
    days: int
    is_credit: bool
    is_cash: bool
    is_bank_transfer: bool


class GeoAreaOut(View):
    id: int
    code: str
    name: str
    name_ar: str | None
    geo_area_type_id: int
    type: str
    parent_id: int | None


class OrderBrief(View):
    """`order_code` and `order_status` are second names of `code` and `status`."""

    id: int
    code: str
    order_code: str
    total_amount: Money
    status: str
    order_status: str
    paid_at: datetime | None
    due_on: date | None
    created_at: datetime


class DeliveryBrief(View):
    """`delivery_code` and `delivery_status` are second names of `code` and `status`."""

    id: int
    code: str
    delivery_code: str
    order_id: int
    order_code: str
    total_amount: Money
    status: str
    delivery_status: str
    created_at: datetime


class VisitOut(View):
    id: int
    itinerary_id: int
    itinerary_code: str
    itinerary_name: str
    rank: int
    visit_frequency_days: int | None
    start_time: str | None
    end_time: str | None
    is_stop_point: bool


class PartnerDetail(PartnerOut):
    customer: CustomerOut | None
    parent: BriefOut | None
    children: list[BriefOut]
    salesperson: SalespersonOut | None
    payment_term: TermOut | None
    geo_area: GeoAreaOut | None
    orders: list[OrderBrief]
    delivery_notes: list[DeliveryBrief]
    itinerary_partners: list[VisitOut]


class CustomFieldOut(View):
    id: int
    field_name: str
    field_label: str
    field_type: str
    entity_type: str
    is_required: bool
    is_active: bool
    options: list[str]
    order: int


class CustomFieldValue(View):
    label: str
    value: str | int | float | bool
    formatted_value: str
    type: str
    field: CustomFieldOut


class CustomerChoice(View):
    id: int
    name: str | None
    email: str | None


class VatTaxOut(View):
    """`code` is the group that a partner names; `percentage` less `deduction` is asked for."""

    id: int
    code: str
    type: str
    name: str
    percentage: float
    deduction: float


class RegionOut(View):
    id: int
    region: str


class CityOut(View):
    id: int
    ville: str
    region_id: int | None


class FormOut(View):
    priceLists: list[PriceListBrief]  # noqa: N815 (the contract's names)
    customers: list[CustomerChoice]
    paymentTerms: list[TermOut]  # noqa: N815
    vatTaxes: list[VatTaxOut]  # noqa: N815
    geoAreas: list[GeoAreaOut]  # noqa: N815
    regions: list[RegionOut]
    villes: list[CityOut]
    custom_fields: list[CustomFieldOut]


async def form_of_choices(conn: Conn, customer_search: str | None) -> dict[str, Any]:
    """The fields of FormOut."""
    areas = await references.geo_areas(conn)
    customers = await erp_customers.find(conn, customer_search)
    fields = await custom_fields.page(conn, "partner", with_inactive=False)
    return {
        "priceLists": [
            PriceListBrief(id=p.id, code=p.code, name=p.name)
            for p in await references.price_lists(conn) if p.is_active
        ],
        "customers": [CustomerChoice(id=c.no, name=c.name, email=c.email) for c in customers],
        "paymentTerms": [term_out(t) for t in await references.payment_terms(conn)],
        "vatTaxes": [vat_out(v) for v in await references.vat_taxes(conn)],
        "geoAreas": [area_out(a) for a in areas if a.type == "area"],
        "regions": [RegionOut(id=a.id, region=a.name) for a in areas if a.type == "region"],
        "villes": [CityOut(id=a.id, ville=a.name, region_id=a.parent_id) for a in areas if a.type == "city"],
        "custom_fields": [field_out(f) for f in fields],
    }  # fmt: skip


async def detail_of(services: Services, conn: Conn, row: TradePartner, values: Iterable[Kept]) -> PartnerDetail:
    """A partner with its customer, relatives, terms, newest orders and notes, and the rounds it is on."""
    customer = None if row.customer_no is None else await customer_rows.get(conn, no=row.customer_no)
    parent = None if row.parent_no is None else await rows.brief(conn, no=row.parent_no)
    children = await rows.children(conn, no=row.no, most=MOST_BESIDE)
    term, _ = await partner_terms.of_partner(conn, row.no)
    salesperson = None if row.salesperson_id is None else await references.salesperson(conn, row.salesperson_id)
    area = await references.find_area(conn, row.geo_area_code)
    orders = await order_rows.latest_of(conn, partner_no=row.no, most=MOST_BESIDE)
    notes = await order_rows.notes_of(conn, partner_no=row.no, most=MOST_BESIDE)
    visits = await itinerary_rows.of_partner(conn, partner_no=row.no, most=MOST_BESIDE)
    return PartnerDetail(
        **columns_out(row, services.settings, values),
        customer=customer_out(customer), parent=None if parent is None else brief_out(parent),
        children=[brief_out(child) for child in children],
        salesperson=None if salesperson is None else salesperson_out(salesperson),
        payment_term=next((term_out(t) for t in term if t.is_default), None),
        geo_area=None if area is None else area_out(area),
        orders=[order_brief(order) for order in orders], delivery_notes=[note_brief(note) for note in notes],
        itinerary_partners=[visit_out(visit) for visit in visits],
    )  # fmt: skip


def customer_out(row: ErpCustomer | None) -> CustomerOut | None:
    """A customer and its user have one number."""
    if row is None:
        return None
    return CustomerOut(id=row.no, user=UserOut(id=row.no, name=row.name, email=row.email, phone=row.phone))


def brief_out(row: Brief) -> BriefOut:
    return BriefOut(id=row.no, code=row.code, name=row.name, status=row.status)


def term_out(row: PaymentTerm) -> TermOut:
    return TermOut(
        id=row.id, name=row.name, description=row.description, days=row.days, is_credit=row.is_credit,
        is_cash=row.is_cash, is_bank_transfer=row.is_bank_transfer,
    )  # fmt: skip


def vat_out(row: VatTax) -> VatTaxOut:
    return VatTaxOut(
        id=row.id, code=row.code, type=row.type, name=row.name, percentage=float(row.percentage),
        deduction=float(row.deduction),
    )  # fmt: skip


def salesperson_out(row: Salesperson) -> SalespersonOut:
    return SalespersonOut(
        id=row.id, code=row.code, name=row.name, email=row.email, phone=row.phone, is_active=row.is_active
    )


def area_out(row: GeoArea) -> GeoAreaOut:
    return GeoAreaOut(
        id=row.id, code=row.code, name=row.name, name_ar=row.name_ar, geo_area_type_id=AREA_TYPES[row.type],
        type=row.type, parent_id=row.parent_id,
    )  # fmt: skip


def field_out(row: CustomField) -> CustomFieldOut:
    return CustomFieldOut(
        id=row.id, field_name=row.field_name, field_label=row.field_label, field_type=row.field_type,
        entity_type=row.entity_type, is_required=row.is_required, is_active=row.is_active, options=row.options,
        order=row.position,
    )  # fmt: skip


def order_brief(row: TradeOrder) -> OrderBrief:
    return OrderBrief(
        id=row.id, code=row.code, order_code=row.code, total_amount=row.total_minor, status=row.status,
        order_status=row.status, paid_at=row.paid_at, due_on=row.due_on, created_at=row.created_at,
    )  # fmt: skip


def note_brief(row: DeliveryNote) -> DeliveryBrief:
    return DeliveryBrief(
        id=row.id, code=row.code, delivery_code=row.code, order_id=row.order_id, order_code=row.order_code,
        total_amount=row.total_minor, status=row.status, delivery_status=row.status, created_at=row.created_at,
    )  # fmt: skip


def visit_out(row: Stop) -> VisitOut:
    return VisitOut(
        id=row.id, itinerary_id=row.itinerary_id, itinerary_code=row.itinerary_code,
        itinerary_name=row.itinerary_name, rank=row.rank, visit_frequency_days=row.visit_frequency_days,
        start_time=hour(row.start_time), end_time=hour(row.end_time), is_stop_point=row.is_stop_point,
    )  # fmt: skip
