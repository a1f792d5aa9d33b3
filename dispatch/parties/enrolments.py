"""Enrolling many at once from a table (R137): read piece by piece, row by row, one bad row stops nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import IO, Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from dispatch.access import phones
from dispatch.engine import audit, tasks
from dispatch.engine.tasks import Run
from dispatch.errors import DispatchError, Invalid, Malformed, Missing
from dispatch.events import Actor
from dispatch.parties import departments, members, organisations
from dispatch.parties.members import ACCESS_LEVELS, By, NewMember
from dispatch.services import Services, Tx
from storage import departments as department_rows
from storage import enrolments as rows
from storage.database.errors import StorageError, is_unique
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.enrolments import Enrolment, Pending, Row

TASK = "enrol_members"
#: The heading of a table (R137), and what may stand beside it.
COLUMNS = ("firstName", "lastName", "email", "employeeId", "department", "phoneNumber")
FURTHER = ("employmentStatus", "hireDate", "segment", "accessLevel")
NEEDED = ("firstName", "lastName", "email")
MOST_ROWS = 10_000
#: Up to here the answer waits for all rows; more are a task's, with its progress.
AT_ONCE = 100
#: After so long, in seconds, the task takes over what was to be done at once.
LATE_S = 120.0
#: Rows of one transaction.
BATCH = 50
#: A cell is a name, an address, a number: never a text.
_MOST_CELL = 200
#: What a spreadsheet takes for a formula; a phone may begin with a plus.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
LIST = rows.rows_of
MOST_SHOWN = 1000


class NotATable(Malformed):
    """This file is no table that can be read: save it as CSV in UTF-8."""

    code = "bad_request"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to enrol from; department and access level hold for rows that name none (C100)."""

    content: IO[bytes]
    department_id: UUID | None = None
    access_level: str = "standard"


async def begin(tx: Tx, by: By, sheet: Sheet) -> Enrolment:
    """Reads the table and keeps its rows; nobody is enrolled yet.

    Raises NotATable, Invalid, Missing (the department), OutOfReach.
    """
    if sheet.access_level not in members.GIVES.get(by.role, frozenset()):
        raise members.OutOfReach
    if sheet.department_id is not None:
        await departments.get(tx.conn, by.organisation_id, sheet.department_id)
        by.check_reach(sheet.department_id)
    enrolment_id = await rows.insert(
        tx.conn, organisation_id=by.organisation_id, made_by=by.actor.id or "", role=by.role, within=by.within,
        department_id=sheet.department_id, access_level=sheet.access_level,
    )  # fmt: skip
    assert enrolment_id is not None, "an insert returns its id"
    total, table = 0, read_rows(sheet.content)
    while batch := list(islice(table, 500)):
        numbers = list(range(total + 1, total + len(batch) + 1))
        await rows.add_rows(tx.conn, enrolment_id=enrolment_id, numbers=numbers, data=batch)
        total += len(batch)
    if not total:
        raise Invalid({"file": "This table has a heading and no rows."})
    await rows.set_total(tx.conn, id=enrolment_id, total=total)
    await tasks.enqueue(
        tx, TASK, {"enrolment_id": str(enrolment_id)}, key=f"{TASK}:{enrolment_id}",
        owner=f"organisation:{by.organisation_id}", delay_s=0.0 if total > AT_ONCE else LATE_S,
    )  # fmt: skip
    await audit.record(tx, by.actor, "members.enrol", "enrolment", enrolment_id, {"rows": {"old": None, "new": total}})
    return await get(tx.conn, by, enrolment_id)


async def get(conn: Conn, by: By, enrolment_id: UUID) -> Enrolment:
    """How far it is. Raises Missing, also for another organisation's, or one of somebody whose reach is wider."""
    found = await rows.get(conn, id=enrolment_id)
    if found is None or found.organisation_id != by.organisation_id or by.within not in (None, found.within):
        raise Missing("enrollment")
    return found


async def results(conn: Conn, enrolment_id: UUID) -> tuple[list[Row], list[Row]]:
    """What became of the rows, and of those that failed: of each the first thousand."""
    found = await rows.first_rows(conn, enrolment_id=enrolment_id, most=MOST_SHOWN)
    failed = await rows.failed_rows(conn, enrolment_id=enrolment_id, most=MOST_SHOWN)
    return found, failed


async def page(conn: Conn, enrolment_id: UUID, wanted: Wanted) -> Slice[Row]:
    return await LIST.page(conn, wanted, enrolment_id=enrolment_id)


async def work(run: Run) -> None:
    """The task: says after each batch how far it is."""
    enrolment_id = UUID(run.task.payload["enrolment_id"])
    await process(run.services, enrolment_id, run)


async def process(services: Services, enrolment_id: UUID, run: Run | None = None) -> None:
    """Enrols whoever is left, some rows in a transaction: a row is settled with its member or not at all."""
    async with services.read() as conn:
        enrolment = await rows.get(conn, id=enrolment_id)
        assert enrolment is not None, "its rows are there"
        home = await organisations.get(conn, enrolment.organisation_id)
        names = await department_rows.by_names(conn, organisation_id=home.id)
    places = {name: d.id for d in names for name in (d.code, d.name)}
    done = enrolment.successful + enrolment.failed
    by = By(home.id, Actor("organisation", enrolment.made_by), enrolment.role, enrolment.within)
    while True:
        async with services.transaction() as tx:
            batch = await rows.next_rows(tx.conn, enrolment_id=enrolment_id, most=BATCH)
            if not batch:
                await rows.finish(tx.conn, id=enrolment_id)
                return
            settled = [await _settle(tx, by, enrolment, home.name, places, pending) for pending in batch]
            await rows.settle(
                tx.conn, enrolment_id=enrolment_id, numbers=[p.row for p in batch],
                members=[s[0] for s in settled], errors=[s[1] for s in settled],
            )  # fmt: skip
        done += len(batch)
        if run is not None:
            await run.progress(done, enrolment.total)


async def _settle(
    tx: Tx, by: By, enrolment: Enrolment, name: str, places: Mapping[str, UUID], pending: Pending
) -> tuple[UUID | None, str | None]:
    """(the member, None) or (None, why not)."""
    try:
        new = _new_member(pending.data, enrolment, places, tx.services.settings.phone_region)
        async with tx.savepoint():
            return await members.enrol(tx, by, new, name), None
    except DispatchError as e:
        return None, e.message
    except StorageError as e:
        if is_unique(e):
            return None, members.AlreadyMember().message
        raise


def _new_member(data: Mapping[str, str], enrolment: Enrolment, places: Mapping[str, UUID], region: str) -> NewMember:
    """Raises Invalid with a sentence for the row."""
    for column, cell in data.items():
        if cell.startswith(_FORMULA) and column != "phoneNumber":
            raise Invalid({column: "This cell holds a formula; only text is taken."})
        if len(cell) > _MOST_CELL:
            raise Invalid({column: f"must be at most {_MOST_CELL} characters"})
    if not data.get("firstName"):
        raise Invalid({"firstName": "must not be empty"})
    level = data.get("accessLevel") or enrolment.access_level
    if level not in ACCESS_LEVELS:
        raise Invalid({"accessLevel": f"must be one of {', '.join(ACCESS_LEVELS)}"})
    phone = data.get("phoneNumber")
    return NewMember(
        data["firstName"], data.get("lastName", ""), _email(data.get("email", "")),
        phones.normalise(phone, region, "phoneNumber") if phone else None, data.get("employeeId") or None,
        _department(data.get("department", ""), enrolment, places), level, data.get("employmentStatus") or None,
        _day(data.get("hireDate", "")), data.get("segment") or None,
    )  # fmt: skip


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError as e:
        raise Invalid({"email": "This is not an e-mail address."}) from e


def _department(text: str, enrolment: Enrolment, places: Mapping[str, UUID]) -> UUID | None:
    if not text:
        return enrolment.department_id
    if (found := places.get(text.lower())) is None:
        raise Invalid({"department": f"There is no department {text[:50]!r}."})
    return found


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise Invalid({"hireDate": "must be a date such as 2026-01-31"}) from e


def read_rows(content: IO[bytes]) -> Iterator[dict[str, str]]:
    """The rows of a CSV in UTF-8 below its heading, read as they are asked for; blank ones are passed over.

    Raises NotATable for what is none, Invalid for more than MOST_ROWS.
    """
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    table = csv.reader(text, strict=True)
    try:
        heading = [cell.strip() for cell in next(table, [])]
        _check_heading(heading)
        count = 0
        for cells in table:
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > MOST_ROWS:
                raise Invalid({"file": f"A table has at most {MOST_ROWS:,} rows: send the rest as another."})
            yield _row(heading, cells)
    except UnicodeDecodeError as e:
        raise NotATable("This file is not written in UTF-8: save it as CSV in UTF-8.") from e
    except csv.Error as e:
        raise NotATable from e
    finally:
        # The file is its sender's to close.
        text.detach()


def _row(heading: list[str], cells: list[str]) -> dict[str, str]:
    found: dict[str, Any] = dict(zip(heading, (cell.strip().replace("\x00", "") for cell in cells), strict=False))
    return found


def _check_heading(heading: list[str]) -> None:
    if missing := [name for name in NEEDED if name not in heading]:
        lacking = ", ".join(missing)
        raise NotATable(f"The first line has to name the columns {', '.join(COLUMNS)}; {lacking} is missing.")
    if unknown := [name for name in heading if name not in (*COLUMNS, *FURTHER)]:
        raise NotATable(f"There is no column {unknown[0][:50]!r}; the columns are {', '.join((*COLUMNS, *FURTHER))}.")
    if len(set(heading)) < len(heading):
        raise NotATable("The first line names a column twice.")
