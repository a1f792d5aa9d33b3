"""Trade partners out of a file: each row is a deed of its own, so that one bad row takes nothing from the others.

A row is settled in the transaction in which its partner is made or changed: whoever goes on with a file, because the
first one died in it, finds what is left.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch.engine import audit, tasks
from dispatch.engine.tasks import Run
from dispatch.errors import DispatchError, Invalid, Missing
from dispatch.events import Actor
from dispatch.parties import trade_partners
from dispatch.parties.trade_partners import Form
from dispatch.reports.rows import undone
from dispatch.services import Services, Tx
from storage import partner_imports as rows
from storage import trade_partners as partner_rows
from storage.database.errors import StorageError, is_check, is_data, is_foreign_key, is_unique
from storage.database.pool import Conn
from storage.partner_imports import Import, Outcome, Pending

TASK = "import_partners"
#: Of one file.
MOST_ROWS, MOST_BYTES, MOST_COLUMNS = 1000, 2 * 2**20, 300
#: Up to here the answer waits for all rows; more are a task's, with its progress.
AT_ONCE = 100
#: After so long, in seconds, the task takes over what was to be done at once.
LATE_S = 120.0
#: So many rows are done between two words about the progress.
STEP = 25
_REFUSED = "This row does not go together with what is there already."


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: its line in the file, counted from 1, and what it holds, or what is wrong with it."""

    line: int
    form: Form | None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """Lines in which rows begin, and what these hold by the names of the first one; what is empty is left out.

    UTF-8, with commas or semicolons. Raises Invalid for what is no such file, is empty or has too many rows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid({"file": "This is not a text in UTF-8: save it as CSV (UTF-8)."}) from error
    head = text.partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    # Strict: a quote that nobody closes would take the rows behind it into one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    begins = 1
    try:
        names = [name.strip() for name in next(reader, [])]
        if not any(names) or len(names) > MOST_COLUMNS:
            raise Invalid({"file": "The first line has to name the columns."})
        if len(named := [name for name in names if name]) > len(set(named)):
            raise Invalid({"file": "The first line names a column twice."})
        begins = reader.line_num + 1
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            # Spreadsheets end lines with separators that nobody wrote.
            if any(cell.strip() for cell in cells[len(names) :]):
                raise Invalid({"file": f"Line {line} has more cells than the first line has columns."})
            held = {
                name: undone(cell.strip()) for name, cell in zip(names, cells, strict=False) if name and cell.strip()
            }
            if held:
                found.append((line, held))
            if len(found) > MOST_ROWS:
                raise Invalid({"file": f"A file has at most {MOST_ROWS} rows; divide it."})
    except csv.Error as error:
        raise Invalid({"file": f"Line {begins} cannot be read as CSV: look at its quotes."}) from error
    if not found:
        raise Invalid({"file": "There is no row in this file."})
    return found


async def begin(
    tx: Tx, actor: Actor, given: Sequence[Row], *, may_credit: bool, updates: bool, ignored: Sequence[str] = (),
    asked: bytes | None = None,
) -> Import:  # fmt: skip
    """Keeps the rows; nothing is made yet. With `updates` a code that is known is changed and not refused.

    `asked` stands for the request: the same one leads to the import that it began, however far that is.
    """
    import_id = await rows.insert(
        tx.conn, made_by=actor.id, may_credit=may_credit, updates=updates, total=len(given), ignored=list(ignored),
        asked=asked,
    )  # fmt: skip
    if import_id is None:
        known = await rows.of_asked(tx.conn, asked=asked)
        assert known is not None, "whoever was first has committed it"
        return known
    await rows.add_rows(
        tx.conn, import_id=import_id, lines=[row.line for row in given],
        has_forms=[row.form is not None for row in given],
        given=[{} if row.form is None else _kept(row.form) for row in given],
        messages=[next((text for texts in row.errors.values() for text in texts), None) for row in given],
        errors=[{name: list(texts) for name, texts in row.errors.items()} for row in given],
    )  # fmt: skip
    await tasks.enqueue(
        tx, TASK, {"import_id": str(import_id)}, key=f"{TASK}:{import_id}", owner="erp",
        delay_s=0.0 if len(given) > AT_ONCE else LATE_S,
    )  # fmt: skip
    await audit.record(tx, actor, "import_partners", "partner_import", import_id, {"rows": len(given)})
    return await _import(tx.conn, import_id)


async def get(conn: Conn, import_id: UUID) -> tuple[Import, list[Outcome]]:
    """How far it is, and what became of each row, in their order. Raises Missing."""
    return await _import(conn, import_id), await rows.rows_of(conn, import_id=import_id)


async def work(run: Run) -> None:
    """The task: says now and then how far it is."""
    await process(run.services, UUID(run.task.payload["import_id"]), run)


async def process(services: Services, import_id: UUID, run: Run | None = None) -> None:
    """Does whatever is left, each row in a transaction of its own."""
    done = 0
    while await services.retrying(lambda tx: _next(tx, import_id)):
        done += 1
        if run is not None and done % STEP == 0:
            async with services.read() as conn:
                found, outcomes = await get(conn, import_id)
            await run.progress(sum(o.result != "pending" for o in outcomes), found.total)


async def _next(tx: Tx, import_id: UUID) -> bool:
    """Settles one row; False where none is left, which ends the import."""
    found = await rows.lock(tx.conn, id=import_id)
    pending = None if found is None else await rows.next_row(tx.conn, import_id=import_id)
    if found is None or pending is None:
        await rows.finish(tx.conn, id=import_id)
        return False
    try:
        async with tx.savepoint():
            result, partner_no = await _make(tx, found, pending)
        message, errors = None, {}
    except DispatchError as error:
        result, partner_no, message = "failed", None, error.message
        errors = error.fields if isinstance(error, Invalid) else {}
    except StorageError as error:
        if not (is_unique(error) or is_check(error) or is_foreign_key(error) or is_data(error)):
            raise
        result, partner_no, message, errors = "failed", None, _REFUSED, {}
    await rows.settle(
        tx.conn, import_id=import_id, line=pending.line, result=result, partner_no=partner_no, message=message,
        errors=errors,
    )  # fmt: skip
    return True


async def _make(tx: Tx, found: Import, pending: Pending) -> tuple[str, int]:
    """(`created` or `updated`, the partner's number). Raises what `create` and `change` of a partner raise."""
    form, actor = _form(pending.given), Actor("erp", found.made_by)
    code = form.columns.get("code")
    known = await partner_rows.by_code(tx.conn, code=code) if code and found.updates else None
    if known is not None:
        await trade_partners.change(tx, actor, known.no, form, may_credit=found.may_credit)
        return "updated", known.no
    if form.columns.get("name") is None:
        raise Invalid({"name": "No partner has this code, and a new one needs a name."})
    return "created", (await trade_partners.create(tx, actor, form, may_credit=found.may_credit)).no


async def _import(conn: Conn, import_id: UUID) -> Import:
    found = await rows.get(conn, id=import_id)
    if found is None:
        raise Missing("import")
    return found


def _kept(form: Form) -> dict[str, Any]:
    """A form as JSON; a file makes no accounts, because it would hold their passwords."""
    return {
        "columns": dict(form.columns), "custom_fields": dict(form.custom_fields),
        "payment_term_id": form.payment_term_id,
    }  # fmt: skip


def _form(given: Mapping[str, Any]) -> Form:
    columns = dict(given["columns"])
    for name, read_from in (("organisation_id", UUID), ("blocked_until", datetime.fromisoformat)):
        if columns.get(name) is not None:
            columns[name] = read_from(columns[name])
    return Form(columns, given["custom_fields"], given["payment_term_id"])
