"""Rows of what trade partners refer to: price lists, VAT rates, regions, cities and areas, salespeople."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("references")


@dataclass(frozen=True, slots=True)
class PriceList:
    id: int
    code: str
    name: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class PriceListItem:
    service_id: UUID
    service_name: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class VatTax:
    """`percentage` less `deduction` is what is asked for; `code` is the group that a partner names."""

    id: int
    code: str
    type: str
    name: str
    percentage: Decimal
    deduction: Decimal


@dataclass(frozen=True, slots=True)
class GeoArea:
    id: int
    type: str
    code: str
    name: str
    name_ar: str | None
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Salesperson:
    id: int
    code: str
    name: str
    email: str | None
    phone: str | None
    is_active: bool


price_lists = sql.rows("price_lists", PriceList)
price_list = sql.row("price_list", PriceList)
lock_price_list = sql.row("lock_price_list", PriceList)
insert_price_list = sql.row("insert_price_list", PriceList)
save_price_list = sql.row("save_price_list", PriceList)
delete_price_list = sql.run("delete_price_list")
price_list_items = sql.rows("price_list_items", PriceListItem)
unknown_services = sql.scalar("unknown_services", list[UUID])
put_price_list_items = sql.run("put_price_list_items")
drop_price_list_item = sql.run("drop_price_list_item")
vat_taxes = sql.rows("vat_taxes", VatTax)
vat_tax = sql.row("vat_tax", VatTax)
lock_vat_tax = sql.row("lock_vat_tax", VatTax)
insert_vat_tax = sql.row("insert_vat_tax", VatTax)
save_vat_tax = sql.row("save_vat_tax", VatTax)
delete_vat_tax = sql.run("delete_vat_tax")
geo_areas = sql.rows("geo_areas", GeoArea)
count_areas = sql.scalar("count_areas", int)
geo_area = sql.row("geo_area", GeoArea)
lock_geo_area = sql.row("lock_geo_area", GeoArea)
geo_area_by_code = sql.row("geo_area_by_code", GeoArea)
insert_geo_area = sql.row("insert_geo_area", GeoArea)
save_geo_area = sql.row("save_geo_area", GeoArea)
delete_geo_area = sql.run("delete_geo_area")
salespeople = sql.rows("salespeople", Salesperson)
salesperson = sql.row("salesperson", Salesperson)
lock_salesperson = sql.row("lock_salesperson", Salesperson)
insert_salesperson = sql.row("insert_salesperson", Salesperson)
save_salesperson = sql.row("save_salesperson", Salesperson)
delete_salesperson = sql.run("delete_salesperson")
