"""Custom fields: what partners and products may carry besides their own columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from api.audiences import Member, erp
from api.erp.partner_details import CustomFieldOut, field_out
from api.erp.partner_views import CustomValueOut, CustomValues, Number, value_out
from api.shared.texts import text
from api.wire.models import Body, Query, View
from api.wire.results import Message, ReplyWith
from dispatch.parties import custom_fields
from dispatch.parties.custom_fields import FieldIn
from dispatch.services import Services
from storage.custom_fields import CustomField

TAGS = ("custom fields",)

Entity = Literal["partner", "product"]
#: `boolean` is a second name of checkbox.
Type = Annotated[
    Literal["text", "textarea", "number", "email", "date", "datetime", "select", "radio", "checkbox", "boolean"],
    AfterValidator(lambda value: custom_fields.ALIASES.get(value, value)),
]


def _name(value: str) -> str:
    if not (value.isascii() and value.replace("_", "").isalnum() and value[0].isalpha()):
        raise ValueError("must be a word of letters, digits and underscores, and begin with a letter")
    return value


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_name)]
Options = Annotated[list[Annotated[str, text(100)]], Field(max_length=200)]
Position = Annotated[int, Field(ge=1, le=10_000)]


class NewFieldIn(Body):
    entity_type: Entity = "partner"
    field_name: Name
    field_label: Annotated[str, text(100)]
    field_type: Type
    options: Options = []
    is_required: bool = False
    is_active: bool = True
    order: Position | None = None


class FieldChange(Body):
    entity_type: Entity | None = None
    field_name: Name | None = None
    field_label: Annotated[str, text(100)] | None = None
    field_type: Type | None = None
    options: Options | None = None
    is_required: bool | None = None
    is_active: bool | None = None
    order: Position | None = None


class FieldsQuery(Query):
    entity_type: Entity | None = None
    is_active: bool | None = None


class OrderIn(Body):
    """The ids of fields of one entity, in their new order."""

    ids: Annotated[list[Number], Field(min_length=1, max_length=custom_fields.MOST_FIELDS)]


class ProductValuesIn(Body):
    custom_fields: CustomValues


class NamedOut(View):
    customField: CustomFieldOut  # noqa: N815 (as front ends read it)


@erp.route("GET", "/custom-fields", permission="references:read", tags=TAGS)
async def list_fields(services: Services, caller: Member, query: FieldsQuery) -> list[CustomFieldOut]:
    """The fields of one entity or of all, in their order."""
    async with services.read() as conn:
        found = await custom_fields.page(conn, query.entity_type)
    return [field_out(f) for f in found if query.is_active in (None, f.is_active)]


@erp.route("POST", "/custom-fields", idempotency="optional", status=201, permission="references:write", tags=TAGS)
async def create_field(services: Services, caller: Member, body: NewFieldIn) -> ReplyWith[CustomFieldOut, NamedOut]:
    """Add a field; without an order it comes last.

    Example: {"entity_type": "partner", "field_name": "sector", "field_label": "Sector", "field_type": "text"}
    """
    new = FieldIn(**body.model_dump(exclude={"order"}), position=body.order)
    async with services.transaction() as tx:
        made = await custom_fields.create(tx, caller.actor, new)
    return _named(made, "Custom field created")


@erp.route("GET", "/custom-fields/{id}", permission="references:read", tags=TAGS)
async def get_field(services: Services, caller: Member, id: int) -> ReplyWith[CustomFieldOut, NamedOut]:
    """One field."""
    async with services.read() as conn:
        return _named(await custom_fields.get(conn, id))


async def update_field(
    services: Services, caller: Member, id: int, body: FieldChange
) -> ReplyWith[CustomFieldOut, NamedOut]:
    """Change what is sent; entity and type of a field stay.

    Example: {"field_label": "Tax number", "is_required": true}
    """
    given: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "order" in given:
        given["position"] = given.pop("order")
    async with services.transaction() as tx:
        saved = await custom_fields.change(tx, caller.actor, id, given)
    return _named(saved, "Custom field updated")


for _method in ("PUT", "PATCH"):
    erp.route(_method, "/custom-fields/{id}", permission="references:write", tags=TAGS)(update_field)


@erp.route("DELETE", "/custom-fields/{id}", permission="references:write", tags=TAGS)
async def delete_field(services: Services, caller: Member, id: int) -> Message:
    """Delete a field and every value of it."""
    async with services.transaction() as tx:
        await custom_fields.delete(tx, caller.actor, id)
    return Message("Custom field deleted")


@erp.route("PATCH", "/custom-fields/{id}/toggle", permission="references:write", tags=TAGS)
async def toggle_field(services: Services, caller: Member, id: int) -> ReplyWith[CustomFieldOut, NamedOut]:
    """Take a field out of the forms, or back; its values are kept."""
    async with services.transaction() as tx:
        saved = await custom_fields.toggle(tx, caller.actor, id)
    return _named(saved, "Custom field toggled")


@erp.route("POST", "/custom-fields/reorder", permission="references:write", tags=TAGS)
async def reorder_fields(services: Services, caller: Member, body: OrderIn) -> Message:
    """Put fields of one entity in a new order.

    Example: {"ids": [3, 1, 2]}
    """
    async with services.transaction() as tx:
        await custom_fields.reorder(tx, body.ids)
    return Message("Custom fields reordered")


@erp.route("GET", "/products/{id}/custom-fields", permission="references:read", tags=TAGS)
async def product_values(services: Services, caller: Member, id: UUID) -> list[CustomValueOut]:
    """The custom values of a product, which is a service of the catalogue."""
    async with services.read() as conn:
        return [value_out(value) for value in await custom_fields.of_product(conn, id)]


@erp.route("PUT", "/products/{id}/custom-fields", permission="references:write", tags=TAGS)
async def put_product_values(services: Services, caller: Member, id: UUID, body: ProductValuesIn) -> Message:
    """Change the named values of a product; null takes one away.

    Example: {"custom_fields": {"2": "Spa"}}
    """
    async with services.transaction() as tx:
        await custom_fields.put_product(tx, caller.actor, id, body.custom_fields)
    return Message("Custom fields updated")


def _named(row: CustomField, message: str | None = None) -> ReplyWith[CustomFieldOut, NamedOut]:
    shown = field_out(row)
    return ReplyWith(shown, message, extra=NamedOut(customField=shown))
