"""Trade partners out of a file: each row is a deed of its own, so that one bad row takes nothing from the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.errors import DispatchError, Invalid
from dispatch.events import Actor
from dispatch.parties import trade_partners
from dispatch.parties.trade_partners import Form
from dispatch.reports.rows import undone
from dispatch.services import Services
from storage import trade_partners as rows
from storage.trade_partners import TradePartner

#: Of one file.
MOST_ROWS, MOST_BYTES, MOST_COLUMNS = 1000, 2 * 2**20, 200


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: its line in the file, counted from 1, and what it holds, or what is wrong with it."""

    line: int
    form: Form | None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: `created`, `updated` or `failed`."""

    line: int
    result: str
    partner: TradePartner | None = None
    message: str | None = None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """Lines and what they hold by the names of the first one; empty cells are left out, empty lines too.

    UTF-8, with commas or semicolons. Raises Invalid for what is no such file, is empty or has too many rows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid({"file": "This is not a text in UTF-8: save it as CSV (UTF-8)."}) from error
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    found: list[tuple[int, dict[str, str]]] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        if not any(names) or len(names) > MOST_COLUMNS:
            raise Invalid({"file": "The first line has to name the columns."})
        for cells in reader:
            held = {
                name: undone(cell.strip()) for name, cell in zip(names, cells, strict=False) if name and cell.strip()
            }
            if held:
                found.append((reader.line_num, held))
            if len(found) > MOST_ROWS:
                raise Invalid({"file": f"A file has at most {MOST_ROWS} rows; divide it."})
    except csv.Error as error:
        raise Invalid({"file": "This cannot be read as CSV."}) from error
    if not found:
        raise Invalid({"file": "There is no row in this file."})
    return found


async def run(
    services: Services, actor: Actor, given: Sequence[Row], *, may_credit: bool, updates: bool
) -> list[Outcome]:
    """What became of each row, in their order. With `updates` a code that is known is changed and not refused."""
    return [await _one(services, actor, row, may_credit=may_credit, updates=updates) for row in given]


async def _one(services: Services, actor: Actor, row: Row, *, may_credit: bool, updates: bool) -> Outcome:
    if row.form is None:
        first = next((text for texts in row.errors.values() for text in texts), None)
        return Outcome(row.line, "failed", message=first, errors=row.errors)
    try:
        async with services.transaction() as tx:
            code = row.form.columns.get("code")
            known = await rows.by_code(tx.conn, code=code) if code and updates else None
            if known is not None:
                saved = await trade_partners.change(tx, actor, known.no, row.form, may_credit=may_credit)
                return Outcome(row.line, "updated", saved)
            made = await trade_partners.create(tx, actor, row.form, may_credit=may_credit)
            return Outcome(row.line, "created", made)
    except Invalid as error:
        return Outcome(row.line, "failed", message=error.message, errors=error.fields)
    except DispatchError as error:
        return Outcome(row.line, "failed", message=error.message)
