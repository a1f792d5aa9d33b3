"""Trade partners, one by one: the forms, made, shown, changed and deleted; codes; several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from api.audiences import Member, erp
from api.erp.partner_details import (
    CustomFieldValue,
    FormOut,
    PartnerDetail,
    detail_of,
    field_out,
    form_of_choices,
)
from api.erp.partner_views import ChangeIn, Number, PartnerIn, PartnerOut, Reason, Status, form_of, with_values
from api.wire.models import Body, Query, View
from api.wire.results import Bare, Message, MessageWith, ReplyWith
from dispatch.errors import Invalid
from dispatch.parties import custom_fields, partner_status, trade_partners
from dispatch.services import Services
from storage.custom_fields import CustomField, Kept
from storage.database.pool import Conn

TAGS = ("partners",)
#: So many partners are changed at once.
MOST_AT_ONCE = 1000
#: The custom field that `taxId` repeats.
TAX_FIELD = "partner_tax_id"


class FormQuery(Query):
    """`customer_search` finds more customers than the newest hundred."""

    customer_search: Annotated[str, Field(max_length=200)] | None = None


class MadeIds(View):
    partner_id: int
    partner_code: str
    customer_id: int | None
    user_id: int | None


class MadeOut(View):
    partner: PartnerOut
    data: MadeIds


class ShownOut(View):
    """`taxId` is the value of the custom field partner_tax_id, `customFields` all of them by their names."""

    partner: PartnerDetail
    taxId: str | None  # noqa: N815 (the contract's names)
    customFields: dict[str, CustomFieldValue]  # noqa: N815


class EditOut(FormOut):
    """What the form is filled with, and what can be chosen in it."""

    partner: PartnerDetail
    taxId: str | None  # noqa: N815
    customFields: dict[str, CustomFieldValue]  # noqa: N815


class CodeQuery(Query):
    """CL numbers partners, BC orders, BL delivery notes."""

    document_type: Literal["CL", "BC", "BL"] = "CL"


class CodeOut(View):
    code: str
    sequence: int


class ManyIn(Body):
    partner_ids: Annotated[list[Number], Field(min_length=1, max_length=MOST_AT_ONCE)]


class ManyStatusIn(ManyIn):
    status: Status
    reason: Reason | None = None


class ManyQuery(Query):
    """For clients that cannot send a body with DELETE."""

    partner_ids: Annotated[list[Number], Field(max_length=MOST_AT_ONCE)] = []


@erp.route("GET", "/partners/create", permission="partners:read", tags=TAGS)
async def create_form(services: Services, caller: Member, query: FormQuery) -> Bare[FormOut]:
    """What can be chosen for a new partner: price lists, customers of the ERP, terms, VAT, areas, custom fields."""
    async with services.read() as conn:
        return Bare(FormOut(**await form_of_choices(conn, query.customer_search)))


@erp.route("POST", "/partners", status=201, permission="partners:write", idempotency="optional", tags=TAGS)
async def create_partner(services: Services, caller: Member, body: PartnerIn) -> MessageWith[MadeOut]:
    """Make a partner, flat or nested; with `auth` its customer's account as well, both or none.

    Example: {"name": "Acme Corp", "price_list_id": 1, "email": "contact@acme.com", "custom_fields": {"1": "FR123"}}
    """
    form = await form_of(services, body)
    async with services.transaction() as tx:
        made = await trade_partners.create(tx, caller.actor, form, may_credit=caller.grants.allow("credit:write"))
        shown = (await with_values(tx.conn, [made], services.settings))[made.no]
    ids = MadeIds(partner_id=made.no, partner_code=made.code, customer_id=made.customer_no, user_id=made.customer_no)
    return MessageWith("Partner created successfully", extra=MadeOut(partner=shown, data=ids))


@erp.route("GET", "/partners/{id}", permission="partners:read", tags=TAGS)
async def show_partner(services: Services, caller: Member, id: int) -> Bare[ShownOut]:
    """One partner with its customer, its place among others, its newest orders and delivery notes, its visits."""
    async with services.read() as conn:
        partner, values = await _shown(services, conn, id)
    return Bare(ShownOut(partner=partner, taxId=_tax_id(values), customFields=values))


@erp.route("GET", "/partners/{id}/edit", permission="partners:read", tags=TAGS)
async def edit_form(services: Services, caller: Member, id: int, query: FormQuery) -> Bare[EditOut]:
    """The same with what can be chosen."""
    async with services.read() as conn:
        partner, values = await _shown(services, conn, id)
        choices = await form_of_choices(conn, query.customer_search)
    return Bare(EditOut(partner=partner, taxId=_tax_id(values), customFields=values, **choices))


async def update_partner(services: Services, caller: Member, id: int, body: ChangeIn) -> Message:
    """Change what is sent and leave the rest; null empties a field.

    Example: {"name": "Acme Corp Updated", "status": "ON_HOLD", "custom_fields": {"1": "FR987654321"}}
    """
    form = await form_of(services, body)
    may_credit = caller.grants.allow("credit:write")
    # Two who are put under each other at once wait for one another: one of them is tried again, and told.
    await services.retrying(lambda tx: trade_partners.change(tx, caller.actor, id, form, may_credit=may_credit))
    return Message("Partner updated successfully")


for _method in ("PUT", "PATCH"):
    erp.route(_method, "/partners/{id}", permission="partners:write", tags=TAGS)(update_partner)


@erp.route("DELETE", "/partners/{id}", permission="partners:write", tags=TAGS)
async def delete_partner(services: Services, caller: Member, id: int) -> Message:
    """Delete a partner and its custom values; one with open orders or debts stays."""
    async with services.transaction() as tx:
        await trade_partners.lock(tx, id)
        await trade_partners.delete(tx, caller.actor, [id])
    return Message("Partner deleted")


@erp.route("GET", "/partners/generate-code", permission="partners:read", tags=TAGS)
async def generate_code(services: Services, caller: Member, query: CodeQuery) -> ReplyWith[None, CodeOut]:
    """The code that the next one would get; it is not reserved."""
    async with services.read() as conn:
        code, sequence = await trade_partners.suggest_code(conn, query.document_type)
    return ReplyWith(None, extra=CodeOut(code=code, sequence=sequence))


@erp.route("POST", "/partners/bulk/status", permission="partners:write", tags=TAGS)
async def set_statuses(services: Services, caller: Member, body: ManyStatusIn) -> Message:
    """Set the status of several partners, all or none.

    Example: {"partner_ids": [1, 2, 3], "status": "ON_HOLD", "reason": "Q1 review"}
    """
    async with services.transaction() as tx:
        count = await partner_status.set_all(tx, caller.actor, _once(body.partner_ids), body.status, body.reason)
    return Message(f"{_counted(count)} updated successfully")


@erp.route("DELETE", "/partners/bulk/delete", permission="partners:write", tags=TAGS)
async def delete_partners(services: Services, caller: Member, query: ManyQuery, body: ManyIn | None = None) -> Message:
    """Delete several partners, all or none; their ids come in the body or in the query.

    Example: {"partner_ids": [1, 2, 3]}
    """
    named = _once([*(body.partner_ids if body else []), *query.partner_ids])
    if not named:
        raise Invalid({"partner_ids": "is required"})
    async with services.transaction() as tx:
        count = await trade_partners.delete(tx, caller.actor, named)
    return Message(f"{_counted(count)} deleted successfully")


def _once(ids: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(ids))


def _counted(count: int) -> str:
    return f"{count} partner{'' if count == 1 else 's'}"


async def _shown(services: Services, conn: Conn, no: int) -> tuple[PartnerDetail, dict[str, CustomFieldValue]]:
    row = await trade_partners.get(conn, no)
    kept = (await custom_fields.of(conn, "partner", [str(no)])).get(str(no), [])
    fields = {field.id: field for field in await custom_fields.page(conn, "partner")}
    detail = await detail_of(services, conn, row, kept)
    return detail, {value.field_name: _custom(value, fields[value.field_id]) for value in kept}


def _custom(value: Kept, field: CustomField) -> CustomFieldValue:
    return CustomFieldValue(
        label=value.field_label, value=custom_fields.shown(value), formatted_value=custom_fields.formatted(value),
        type=value.field_type, field=field_out(field),
    )  # fmt: skip


def _tax_id(values: dict[str, CustomFieldValue]) -> Any:
    found = values.get(TAX_FIELD)
    return None if found is None else str(found.value)
