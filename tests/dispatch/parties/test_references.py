"""What trade partners refer to, changed by two at once: each change is of what it names, and none is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.parties import custom_fields, itineraries, references
from dispatch.services import Services, Tx
from tests.trade import CLERK
from tests.turns import one_after_the_other

Change = Callable[[Tx, Actor, int, Mapping[str, Any]], Awaitable[Any]]


async def _field(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> Any:
    return await custom_fields.create(tx, actor, custom_fields.FieldIn(**fields))


KINDS: dict[str, tuple[Callable[..., Awaitable[Any]], Change, Callable[..., Awaitable[None]], dict[str, Any]]] = {
    "price list": (
        references.add_price_list, references.change_price_list, references.delete_price_list,
        {"code": "A", "name": "b", "is_active": True},
    ),
    "payment term": (
        references.add_payment_term, references.change_payment_term, references.delete_payment_term,
        {"name": "A", "description": "b", "days": 1, "is_credit": True, "is_cash": False, "is_bank_transfer": False},
    ),
    "VAT rate": (
        references.add_vat_tax, references.change_vat_tax, references.delete_vat_tax,
        {"code": "A", "name": "b", "type": "STANDARD", "percentage": 5, "deduction": 0},
    ),
    "area": (
        references.add_geo_area, references.change_geo_area, references.delete_geo_area,
        {"code": "A", "name": "b", "name_ar": None, "type": "region", "parent_id": None},
    ),
    "salesperson": (
        references.add_salesperson, references.change_salesperson, references.delete_salesperson,
        {"code": "A", "name": "b", "email": None, "phone": None, "is_active": True},
    ),
    "itinerary": (
        itineraries.create, itineraries.change, itineraries.delete,
        {"code": "A", "name": "b", "salesperson_id": None, "is_active": True},
    ),
    "custom field": (
        _field, custom_fields.change, custom_fields.delete,
        {"entity_type": "partner", "field_name": "a", "field_label": "b", "field_type": "text"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_two_who_change_different_things_at_once_both_do(services: Services, kind: str) -> None:
    add, change, delete, fields = KINDS[kind]
    async with services.transaction() as tx:
        made = await add(tx, CLERK, fields)
    first, second = [name for name, value in fields.items() if value in ("a", "A", "b")]
    one, two = await one_after_the_other(
        services, lambda tx: change(tx, CLERK, made.id, {first: "one"}),
        lambda tx: change(tx, CLERK, made.id, {second: "two"}),
    )  # fmt: skip
    assert (getattr(one, first), getattr(one, second)) == ("one", "b")
    assert (getattr(two, first), getattr(two, second)) == ("one", "two")
    # What is deleted meanwhile is not there to be changed.
    _, gone = await one_after_the_other(
        services, lambda tx: delete(tx, CLERK, made.id), lambda tx: change(tx, CLERK, made.id, {second: "three"})
    )
    assert isinstance(gone, Missing)
