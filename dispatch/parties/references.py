"""What trade partners refer to: price lists and their prices, VAT rates, terms, regions, cities and areas, salespeople.

All of them are small tables that are read whole; what is in use is not deleted. A change takes over what it does
not name from the row that it has locked, so that of two at once neither undoes the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from dispatch.engine import audit
from dispatch.errors import Conflict, DispatchError, Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import payment_terms as term_rows
from storage import references as rows
from storage.database.errors import StorageError, is_foreign_key, is_unique
from storage.database.pool import Conn
from storage.payment_terms import PaymentTerm
from storage.references import GeoArea, PriceList, PriceListItem, Salesperson, VatTax

T = TypeVar("T")

#: Of each kind; what could not be shown is not made.
MOST = 1000
#: So many services are named in a refusal.
_MOST_NAMED = 20
#: Of regions, cities and areas together.
MOST_AREAS = 20_000
#: Of one price list.
MOST_ITEMS = 5000
#: In which an area of a kind may lie.
_PARENTS: Mapping[str, tuple[str, ...]] = {"region": (), "city": ("region",), "area": ("city", "region")}


class NameTaken(Conflict):
    """Another one has this code or name."""

    code = "code_taken"


class NoRoom(Conflict):
    """There are as many as can be kept."""

    code = "too_many"


class StillUsed(Conflict):
    """This is still in use and cannot be deleted."""

    code = "still_used"


# ---------------------------------------------------------------- price lists


async def price_lists(conn: Conn) -> list[PriceList]:
    return await rows.price_lists(conn, most=MOST)


async def price_list(conn: Conn, id: int) -> PriceList:
    """Raises Missing."""
    return _found(await rows.price_list(conn, id=id), "price list")


async def price_list_items(conn: Conn, id: int) -> list[PriceListItem]:
    """Raises Missing."""
    await price_list(conn, id)
    return await rows.price_list_items(conn, price_list_id=id, most=MOST_ITEMS)


async def add_price_list(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> PriceList:
    """Raises NameTaken, NoRoom."""
    _check_room(len(await price_lists(tx.conn)), MOST)
    made = _made(await rows.insert_price_list(tx.conn, **fields))
    await audit.changed(tx, actor, "create_price_list", "price_list", made.id, None, made)
    return made


async def change_price_list(tx: Tx, actor: Actor, id: int, changes: Mapping[str, Any]) -> PriceList:
    """Raises Missing, NameTaken."""
    before = _found(await rows.lock_price_list(tx.conn, id=id), "price list")
    after = replace(before, **changes)
    saved = _found(await _writing(tx, rows.save_price_list(
        tx.conn, id=id, code=after.code, name=after.name, is_active=after.is_active
    )), "price list")  # fmt: skip
    await audit.changed(tx, actor, "update_price_list", "price_list", id, before, saved)
    return saved


async def delete_price_list(tx: Tx, actor: Actor, id: int) -> None:
    """Raises Missing, StillUsed."""
    before = _found(await rows.lock_price_list(tx.conn, id=id), "price list")
    await _deleting(tx, rows.delete_price_list(tx.conn, id=id))
    await audit.changed(tx, actor, "delete_price_list", "price_list", id, before, None)


async def put_prices(tx: Tx, actor: Actor, id: int, prices: Mapping[UUID, int]) -> None:
    """Sets the prices of these services on a list, in minor units. Raises Missing, Invalid for unknown services."""
    await price_list(tx.conn, id)
    if unknown := await rows.unknown_services(tx.conn, ids=list(prices)):
        raise Invalid({"items": f"There is no service {', '.join(map(str, unknown[:_MOST_NAMED]))}."})
    written = await _writing(tx, rows.put_price_list_items(
        tx.conn, price_list_id=id, service_ids=list(prices), prices=list(prices.values())
    ), Missing("price list"))  # fmt: skip
    if written != len(prices):
        raise Invalid({"items": "One of these services was taken out of the catalogue just now."})
    await audit.record(tx, actor, "set_prices", "price_list", id, {str(k): v for k, v in prices.items()})


async def drop_price(tx: Tx, actor: Actor, id: int, service_id: UUID) -> None:
    """The service costs what the catalogue says again. Raises Missing."""
    if not await rows.drop_price_list_item(tx.conn, price_list_id=id, service_id=service_id):
        raise Missing("price")
    await audit.record(tx, actor, "drop_price", "price_list", id, {"service_id": str(service_id)})


# ---------------------------------------------------------------- payment terms


async def payment_terms(conn: Conn) -> list[PaymentTerm]:
    return await term_rows.every(conn, most=MOST)


async def payment_term(conn: Conn, id: int) -> PaymentTerm:
    """Raises Missing."""
    return _found(await term_rows.get(conn, id=id), "payment term")


async def add_payment_term(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> PaymentTerm:
    """Raises NameTaken, NoRoom."""
    _check_room(len(await payment_terms(tx.conn)), MOST)
    made = _made(await term_rows.insert(tx.conn, **fields))
    await audit.changed(tx, actor, "create_payment_term", "payment_term", made.id, None, made)
    return made


async def change_payment_term(tx: Tx, actor: Actor, id: int, changes: Mapping[str, Any]) -> PaymentTerm:
    """Raises Missing, NameTaken."""
    before = _found(await term_rows.lock(tx.conn, id=id), "payment term")
    after = replace(before, **changes)
    saved = _found(await _writing(tx, term_rows.save(
        tx.conn, id=id, name=after.name, description=after.description, days=after.days, is_credit=after.is_credit,
        is_cash=after.is_cash, is_bank_transfer=after.is_bank_transfer,
    )), "payment term")  # fmt: skip
    await audit.changed(tx, actor, "update_payment_term", "payment_term", id, before, saved)
    return saved


async def delete_payment_term(tx: Tx, actor: Actor, id: int) -> None:
    """Raises Missing, StillUsed."""
    before = _found(await term_rows.lock(tx.conn, id=id), "payment term")
    await _deleting(tx, term_rows.delete(tx.conn, id=id))
    await audit.changed(tx, actor, "delete_payment_term", "payment_term", id, before, None)


# ---------------------------------------------------------------- VAT rates


async def vat_taxes(conn: Conn) -> list[VatTax]:
    return await rows.vat_taxes(conn, most=MOST)


async def vat_tax(conn: Conn, id: int) -> VatTax:
    """Raises Missing."""
    return _found(await rows.vat_tax(conn, id=id), "rate")


async def add_vat_tax(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> VatTax:
    """Raises NameTaken, NoRoom, Invalid (a deduction above the rate)."""
    _check_room(len(await vat_taxes(tx.conn)), MOST)
    _check_rate(fields["percentage"], fields["deduction"])
    made = _made(await rows.insert_vat_tax(tx.conn, **fields))
    await audit.changed(tx, actor, "create_vat_tax", "vat_tax", made.id, None, made)
    return made


async def change_vat_tax(tx: Tx, actor: Actor, id: int, changes: Mapping[str, Any]) -> VatTax:
    """Raises Missing, NameTaken, Invalid."""
    before = _found(await rows.lock_vat_tax(tx.conn, id=id), "rate")
    after = replace(before, **changes)
    _check_rate(after.percentage, after.deduction)
    saved = _found(await _writing(tx, rows.save_vat_tax(
        tx.conn, id=id, code=after.code, type=after.type, name=after.name, percentage=after.percentage,
        deduction=after.deduction,
    )), "rate")  # fmt: skip
    await audit.changed(tx, actor, "update_vat_tax", "vat_tax", id, before, saved)
    return saved


async def delete_vat_tax(tx: Tx, actor: Actor, id: int) -> None:
    """Raises Missing, StillUsed."""
    before = _found(await rows.lock_vat_tax(tx.conn, id=id), "rate")
    await _deleting(tx, rows.delete_vat_tax(tx.conn, id=id))
    await audit.changed(tx, actor, "delete_vat_tax", "vat_tax", id, before, None)


def _check_rate(percentage: Any, deduction: Any) -> None:
    if deduction > percentage:
        raise Invalid({"deduction": "must not be more than the percentage"})


# ---------------------------------------------------------------- regions, cities, areas


async def geo_areas(conn: Conn, type: str | None = None, parent_id: int | None = None) -> list[GeoArea]:
    return await rows.geo_areas(conn, type=type, parent_id=parent_id, most=MOST_AREAS)


async def geo_area(conn: Conn, id: int) -> GeoArea:
    """Raises Missing."""
    return _found(await rows.geo_area(conn, id=id), "area")


async def find_area(conn: Conn, code: str | None) -> GeoArea | None:
    return None if code is None else await rows.geo_area_by_code(conn, code=code)


async def add_geo_area(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> GeoArea:
    """Raises NameTaken, NoRoom, Invalid (what it lies in)."""
    _check_room(await rows.count_areas(tx.conn) or 0, MOST_AREAS)
    await _check_parent(tx, fields["type"], fields["parent_id"])
    made = _made(await _writing(tx, rows.insert_geo_area(tx.conn, **fields), _no_parent()))
    await audit.changed(tx, actor, "create_geo_area", "geo_area", made.id, None, made)
    return made


async def change_geo_area(tx: Tx, actor: Actor, id: int, changes: Mapping[str, Any]) -> GeoArea:
    """The kind of an area stays. Raises Missing, NameTaken, Invalid."""
    before = _found(await rows.lock_geo_area(tx.conn, id=id), "area")
    after = replace(before, **changes)
    if after.type != before.type:
        raise Invalid({"type": "The type of an area cannot be changed: make another one."})
    await _check_parent(tx, after.type, after.parent_id)
    saved = _found(await _writing(tx, rows.save_geo_area(
        tx.conn, id=id, code=after.code, name=after.name, name_ar=after.name_ar, parent_id=after.parent_id
    ), _no_parent()), "area")  # fmt: skip
    await audit.changed(tx, actor, "update_geo_area", "geo_area", id, before, saved)
    return saved


async def delete_geo_area(tx: Tx, actor: Actor, id: int) -> None:
    """Raises Missing, StillUsed."""
    before = _found(await rows.lock_geo_area(tx.conn, id=id), "area")
    await _deleting(tx, rows.delete_geo_area(tx.conn, id=id))
    await audit.changed(tx, actor, "delete_geo_area", "geo_area", id, before, None)


def _no_parent() -> Invalid:
    return Invalid({"parent_id": "There is no such area."})


async def _check_parent(tx: Tx, type: str, parent_id: int | None) -> None:
    if parent_id is None:
        return
    parent = await rows.geo_area(tx.conn, id=parent_id)
    if parent is None or parent.type not in _PARENTS[type]:
        where = " or ".join(f"a {kind}" for kind in _PARENTS[type])
        raise Invalid({"parent_id": f"A {type} lies in {where}." if where else "A region lies in nothing."})


# ---------------------------------------------------------------- salespeople


async def salespeople(conn: Conn) -> list[Salesperson]:
    return await rows.salespeople(conn, most=MOST)


async def salesperson(conn: Conn, id: int) -> Salesperson:
    """Raises Missing."""
    return _found(await rows.salesperson(conn, id=id), "salesperson")


async def add_salesperson(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> Salesperson:
    """Raises NameTaken, NoRoom."""
    _check_room(len(await salespeople(tx.conn)), MOST)
    made = _made(await rows.insert_salesperson(tx.conn, **fields))
    await audit.changed(tx, actor, "create_salesperson", "salesperson", made.id, None, made)
    return made


async def change_salesperson(tx: Tx, actor: Actor, id: int, changes: Mapping[str, Any]) -> Salesperson:
    """Raises Missing, NameTaken."""
    before = _found(await rows.lock_salesperson(tx.conn, id=id), "salesperson")
    after = replace(before, **changes)
    saved = _found(await _writing(tx, rows.save_salesperson(
        tx.conn, id=id, code=after.code, name=after.name, email=after.email, phone=after.phone,
        is_active=after.is_active,
    )), "salesperson")  # fmt: skip
    await audit.changed(tx, actor, "update_salesperson", "salesperson", id, before, saved)
    return saved


async def delete_salesperson(tx: Tx, actor: Actor, id: int) -> None:
    """Raises Missing, StillUsed."""
    before = _found(await rows.lock_salesperson(tx.conn, id=id), "salesperson")
    await _deleting(tx, rows.delete_salesperson(tx.conn, id=id))
    await audit.changed(tx, actor, "delete_salesperson", "salesperson", id, before, None)


# ---------------------------------------------------------------- parts


def _found(row: T | None, noun: str) -> T:
    if row is None:
        raise Missing(noun)
    return row


def _made(row: T | None) -> T:
    if row is None:
        raise NameTaken
    return row


def _check_room(there_are: int, most: int) -> None:
    if there_are >= most:
        raise NoRoom


async def _deleting(tx: Tx, statement: Awaitable[int]) -> None:
    """Raises StillUsed, also where it is used since this very moment."""
    try:
        async with tx.savepoint():
            count = await statement
    except StorageError as error:
        if is_foreign_key(error):
            raise StillUsed from error
        raise
    if not count:
        raise StillUsed


async def _writing(tx: Tx, statement: Awaitable[T | None], gone: DispatchError | None = None) -> T | None:
    """Raises NameTaken, and `gone` where what the row refers to was deleted in this very moment."""
    try:
        async with tx.savepoint():
            return await statement
    except StorageError as error:
        if is_unique(error):
            raise NameTaken from error
        if gone is not None and is_foreign_key(error):
            raise gone from error
        raise
