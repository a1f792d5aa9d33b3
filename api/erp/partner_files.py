"""Trade partners as files: out, and in row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter

from api.audiences import Member, erp
from api.erp.partner_lists import LONG, wanted
from api.erp.partner_views import FlatPartner, columns_out, form_of
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import Listing
from api.wire.models import Query, View
from api.wire.parsing import validate_body
from api.wire.results import File, ReplyWith
from api.wire.uploads import Upload, UploadRules
from dispatch.config import Settings
from dispatch.errors import Invalid
from dispatch.parties import partner_imports, trade_partners
from dispatch.parties.partner_imports import Outcome, Row
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services
from dispatch.wording import sentence
from storage.trade_partners import TradePartner

TAGS = ("partners",)
SHEET = UploadRules(
    {"file": 1}, partner_imports.MOST_BYTES,
    frozenset({"text/csv", "text/plain", "application/csv", "application/vnd.ms-excel"}),
)  # fmt: skip
#: The columns of an export, under the names that an import reads.
COLUMNS = (
    "code", "name", "status", "partner_type", "channel", "is_b2b", "price_list_id", "payment_term_id", "credit_limit",
    "tax_number_ice", "tax_number_if", "tax_exempt", "vat_group_code", "phone", "whatsapp", "email", "website",
    "address_line1", "address_line2", "city", "region", "country", "postal_code", "geo_area_code", "geo_lat", "geo_lng",
    "delivery_instructions", "delivery_zone", "min_order_amount", "default_discount_rate", "default_discount_amount",
    "max_discount_rate", "salesperson_id", "parent_partner_id",
)  # fmt: skip
#: What only the export knows.
MORE = ("credit_used", "credit_available", "created_at")
_MONEY = ("credit_limit", "min_order_amount", "default_discount_amount", "credit_used", "credit_available")
#: A custom field's column: `custom_fields.1`.
_CUSTOM = "custom_fields."
_ROW: TypeAdapter[FlatPartner] = TypeAdapter(FlatPartner)


class ImportQuery(Query):
    """With `update` a row whose code is known changes that partner; without it the row fails."""

    update: bool = False


class RowOut(View):
    """`row` is the line in the file; `result` is created, updated or failed."""

    row: int
    result: str
    partner_id: int | None
    partner_code: str | None
    message: str | None
    errors: dict[str, list[str]]


class ImportOut(View):
    total: int
    created: int
    updated: int
    failed: int


@erp.route("GET", "/partners/export", permission="partners:read", listing=whole(LONG), tags=TAGS)
async def export_partners(services: Services, caller: Member, listing: Listing, query: ExportQuery) -> File:
    """The long list as a file, with its filters and sorts; the columns are those that an import reads."""
    pieces = exports.export(
        services, query.format, "Trade partners", [*COLUMNS, *MORE], trade_partners.LIST, wanted(listing),
        lambda row: _line(row, services.settings),
    )  # fmt: skip
    return file(pieces, "partners", query.format)


@erp.route("POST", "/partners/import", permission="partners:write", tags=TAGS)
async def import_partners(
    services: Services, caller: Member, query: ImportQuery, upload: Annotated[Upload, SHEET]
) -> ReplyWith[list[RowOut], ImportOut]:
    """A CSV file whose first line names the fields of a partner, row by row: what is wrong with one keeps no other."""
    if not upload.files:
        raise Invalid({"file": "is required"})
    rows = [await _row(services, line, held) for line, held in partner_imports.read(upload.files[0].content.read())]
    done = await partner_imports.run(
        services, caller.actor, rows, may_credit=caller.grants.allow("credit:write"), updates=query.update
    )
    counts = {result: sum(o.result == result for o in done) for result in ("created", "updated", "failed")}
    text = f"{counts['created'] + counts['updated']} of {len(done)} rows were imported."
    return ReplyWith([_row_out(o) for o in done], text, extra=ImportOut(total=len(done), **counts))


async def _row(services: Services, line: int, held: Mapping[str, str]) -> Row:
    given: dict[str, Any] = {name: value for name, value in held.items() if not name.startswith(_CUSTOM)}
    given["custom_fields"] = {
        name.removeprefix(_CUSTOM): value for name, value in held.items() if name.startswith(_CUSTOM)
    }
    body, bad, _ = validate_body(_ROW, given, erp.dialect, drops_unknown=True)
    if bad:
        return Row(line, None, {name: [sentence(name, text) for text in texts] for name, texts in bad.items()})
    return Row(line, await form_of(services, body))


def _row_out(done: Outcome) -> RowOut:
    partner = done.partner
    return RowOut(
        row=done.line, result=done.result, partner_id=partner.no if partner else None,
        partner_code=partner.code if partner else None, message=done.message,
        errors={name: list(texts) for name, texts in done.errors.items()},
    )  # fmt: skip


def _line(row: TradePartner, settings: Settings) -> Sequence[Cell]:
    shown = columns_out(row, settings)
    return [
        erp.dialect.money(shown[name]) if name in _MONEY and shown[name] is not None else shown[name]
        for name in (*COLUMNS, *MORE)
    ]
