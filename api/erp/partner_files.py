"""Trade partners as files: out, and in row by row."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from api.audiences import Member, erp
from api.edge.request_info import RequestInfo
from api.erp.partner_lists import LONG, wanted
from api.erp.partner_views import FlatChange, FlatPartner, columns_out, form_of
from api.shared.exports import ExportQuery, file, whole
from api.wire.contents import shortened, unclean
from api.wire.listing import Listing
from api.wire.models import Query, View
from api.wire.parsing import validate_body
from api.wire.results import File, ReplyWith
from api.wire.uploads import Upload, UploadRules
from dispatch.config import Settings
from dispatch.errors import Invalid
from dispatch.parties import custom_fields, partner_imports, trade_partners
from dispatch.parties.partner_imports import Row
from dispatch.reports import exports
from dispatch.reports.rows import Cell, Format
from dispatch.services import Services
from dispatch.wording import sentence
from storage.custom_fields import CustomField, Kept
from storage.database.listing import Wanted
from storage.database.pool import Conn
from storage.partner_imports import Outcome
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
#: A row that may change a partner whom its code names needs nothing else of a new one.
_ROW: TypeAdapter[FlatPartner] = TypeAdapter(FlatPartner)
_CHANGE: TypeAdapter[FlatChange] = TypeAdapter(FlatChange)
#: What a column may be; a file makes no accounts.
_FIELDS = frozenset(FlatPartner.model_fields) - {"auth", "custom_fields"}


class ImportQuery(Query):
    """With `update` a row whose code is known changes that partner, and what it leaves out stays; without it the row
    fails.
    """

    update: bool = False


class RowOut(View):
    """`row` is the line in the file; `result` is created, updated or failed, or pending where its turn is to come."""

    row: int
    result: str
    partner_id: int | None
    partner_code: str | None
    message: str | None
    errors: dict[str, list[str]]


class ImportOut(View):
    """`status` is processing or completed. `ignored_columns`: those that no field of a partner answers to."""

    id: UUID
    status: str
    total: int
    created: int
    updated: int
    failed: int
    ignored_columns: list[str]


@erp.route("GET", "/partners/export", permission="partners:read", listing=whole(LONG), tags=TAGS)
async def export_partners(services: Services, caller: Member, listing: Listing, query: ExportQuery) -> File:
    """The long list as a file, with its filters and sorts; the columns are those that an import reads.

    A custom field's column is called as in an import, `custom_fields.<id>`.
    """
    pieces = _exported(services, query.format, wanted(listing))
    return file(pieces, "partners", query.format)


async def _exported(services: Services, form: Format, asked: Wanted) -> AsyncGenerator[bytes, None]:
    """Partners with their custom values, a column for each field."""
    async with exports.reading(services) as conn:
        fields = await custom_fields.page(conn, "partner")

        async def lines(conn: Conn, rows: Sequence[TradePartner]) -> list[list[Cell]]:
            kept = await custom_fields.of(conn, "partner", [str(row.no) for row in rows])
            return [_line(row, fields, kept.get(str(row.no), ()), services.settings) for row in rows]

        columns = [*COLUMNS, *(f"{_CUSTOM}{field.id}" for field in fields), *MORE]
        pieces = exports.written(conn, form, "Trade partners", columns, trade_partners.LIST, asked, lines)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece


@erp.route("POST", "/partners/import", permission="partners:write", idempotency="optional", tags=TAGS)
async def import_partners(
    services: Services, caller: Member, query: ImportQuery, upload: Annotated[Upload, SHEET], request_info: RequestInfo
) -> ReplyWith[list[RowOut], ImportOut]:
    """A CSV file whose first line names the fields of a partner, row by row: what is wrong with one keeps no other.

    Up to a hundred rows are done before the answer; of more the answer says `processing`, and how far it is stands at
    `GET /api/backend/partners/imports/{id}`. The same file under the same key is imported once, whatever becomes of
    the first request.
    """
    if not upload.files:
        raise Invalid({"file": "is required"})
    ignored: set[str] = set()
    rows = [
        await _row(services, line, held, ignored, may_change=query.update)
        for line, held in partner_imports.read(upload.files[0].content.read())
    ]
    may_credit = caller.grants.allow("credit:write")
    asked = _asked(caller, request_info.idempotency_key, query, upload)
    async with services.transaction() as tx:
        begun = await partner_imports.begin(
            tx, caller.actor, rows, may_credit=may_credit, updates=query.update, ignored=sorted(ignored), asked=asked
        )
    if begun.total <= partner_imports.AT_ONCE:
        await partner_imports.process(services, begun.id)
    return await get_import(services, caller, begun.id)


@erp.route("GET", "/partners/imports/{id}", permission="partners:read", tags=TAGS)
async def get_import(services: Services, caller: Member, id: UUID) -> ReplyWith[list[RowOut], ImportOut]:
    """How far an import is, and what became of its rows; it is kept for some months."""
    async with services.read() as conn:
        found, outcomes = await partner_imports.get(conn, id)
    counts = {result: sum(o.result == result for o in outcomes) for result in ("created", "updated", "failed")}
    text = f"{counts['created'] + counts['updated']} of {found.total} rows were imported."
    extra = ImportOut(id=found.id, status=found.state, total=found.total, ignored_columns=found.ignored, **counts)
    return ReplyWith([_row_out(o) for o in outcomes], text, extra=extra)


def _asked(caller: Member, key: str | None, query: ImportQuery, upload: Upload) -> bytes | None:
    """One request that its sender may repeat: who sends what under which key."""
    if key is None:
        return None
    return hashlib.sha256(orjson.dumps([caller.key, key, query.update, upload.contents])).digest()


async def _row(
    services: Services, line: int, held: Mapping[str, str], ignored: set[str], *, may_change: bool
) -> Row:
    # Told also where the row fails, which a misspelt column may be the reason of.
    ignored.update(
        name for name in held if name not in _FIELDS and not name.startswith(_CUSTOM) and not unclean(name)
    )
    given: dict[str, Any] = {name: value for name, value in held.items() if name in _FIELDS}
    given["custom_fields"] = {
        name.removeprefix(_CUSTOM): value for name, value in held.items() if name.startswith(_CUSTOM)
    }
    if strange := {name: text for name, cell in held.items() if (text := unclean(name) or unclean(cell))}:
        return Row(line, None, {shortened(name).replace("\0", ""): [text] for name, text in strange.items()})
    form: TypeAdapter[Any] = _CHANGE if may_change and "code" in given else _ROW
    body, bad, _ = validate_body(form, given, erp.dialect, drops_unknown=True)
    if bad:
        return Row(line, None, {name: [sentence(name, text) for text in texts] for name, texts in bad.items()})
    return Row(line, await form_of(services, body))


def _row_out(done: Outcome) -> RowOut:
    return RowOut(
        row=done.line, result=done.result, partner_id=done.partner_no, partner_code=done.partner_code,
        message=done.message, errors=done.errors,
    )  # fmt: skip


def _line(row: TradePartner, fields: Sequence[CustomField], kept: Iterable[Kept], settings: Settings) -> list[Cell]:
    shown = columns_out(row, settings)
    values = {value.field_id: value.value for value in kept}

    def cell(name: str) -> Cell:
        return erp.dialect.money(shown[name]) if name in _MONEY and shown[name] is not None else shown[name]

    return [*map(cell, COLUMNS), *(values.get(field.id) for field in fields), *map(cell, MORE)]
