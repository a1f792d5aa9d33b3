"""Services and technicians from a CSV file: every line on its own, and what became of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Annotated, Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from api.admin.partners import NewPartnerIn
from api.admin.partners import create_one as create_partner
from api.admin.services import NewService, ServiceChange, change_one
from api.audiences import Admin, admin
from api.shared.batches import BatchOut, Done, each
from api.wire.contents import unclean
from api.wire.models import Body
from api.wire.parsing import validate_body
from api.wire.uploads import Upload, UploadRules
from dispatch.engine import offered
from dispatch.errors import Invalid
from dispatch.ports import media
from dispatch.reports.rows import undone
from dispatch.services import Services

B = TypeVar("B", bound=Body)

MOST_LINES = 500
FILE = UploadRules({"file": 1}, 2 * 2**20, frozenset({media.CSV, media.TEXT}))

SERVICE_COLUMNS = (
    "id", "name", "category", "service_type", "tier", "product_cost", "market_price", "currency", "duration_minutes",
    "description", "image_url", "is_active",
)  # fmt: skip
PARTNER_COLUMNS = (
    "name", "phone_number", "email", "address", "service_categories", "service_tiers", "start", "end", "days",
    "service_radius_km", "base_lat", "base_lng", "zone_id", "aadhar_number", "pan_number", "bank_account_number",
    "ifsc_code", "bank_name", "account_holder_name",
)  # fmt: skip
#: Columns that hold several words.
_LISTS = ("service_categories", "service_tiers")
_DAYS = re.compile(r"([1-7])-([1-7])")
_NEW_SERVICE: TypeAdapter[NewService] = TypeAdapter(NewService)
_CHANGE: TypeAdapter[ServiceChange] = TypeAdapter(ServiceChange)
_PARTNER: TypeAdapter[NewPartnerIn] = TypeAdapter(NewPartnerIn)

Line = Mapping[str, str]


@admin.route("POST", "/services/import", permission="services:write", idempotency="optional", tags=["services"])
async def import_services(services: Services, caller: Admin, upload: Annotated[Upload, FILE]) -> BatchOut:
    """Services from a CSV file in the field `file`: a line with an `id` changes that service, the others are new.

    The first line names the columns, as the export does. Prices are in the business's currency. A new line that is
    there already (the same name, category, type and tier) is refused, so that a file that is sent again after half of
    it came through makes nothing twice.
    """
    currency = services.settings.currency

    async def work(line: Line) -> Done:
        given = {name: value for name, value in line.items() if name not in ("id", "currency")}
        if line.get("currency", currency) != currency:
            raise Invalid({"currency": f"must be {currency}"})
        if "id" in line:
            changed = await change_one(services, caller, _id(line["id"]), _read(_CHANGE, given))
            return Done(changed.id, "updated")
        new = _read(_NEW_SERVICE, given).service(currency)
        async with services.transaction() as tx:
            await offered.require_new(tx, new)
            made = await offered.create(tx, new, caller.actor)
        return Done(made.id, "created")

    return await each(admin.dialect, _lines(upload, SERVICE_COLUMNS), work)


@admin.route("POST", "/partners/import", permission="technicians:write", idempotency="optional", tags=["partners"])
async def import_partners(services: Services, caller: Admin, upload: Annotated[Upload, FILE]) -> BatchOut:
    """Technicians from a CSV file in the field `file`; every line takes one on.

    Categories and tiers are separated by semicolons, days are 1 to 7 (Monday is 1) as `1;2;3` or `1-5`.
    """

    async def work(line: Line) -> Done:
        made = await create_partner(services, caller, _read(_PARTNER, _partner(line)))
        return Done(made.id, made.code)

    return await each(admin.dialect, _lines(upload, PARTNER_COLUMNS), work)


def _partner(line: Line) -> dict[str, Any]:
    """A line in the form of the body that takes somebody on."""
    given: dict[str, Any] = {name: value for name, value in line.items() if name not in ("start", "end", "days")}
    given |= {name: _words(line[name]) for name in _LISTS if name in line}
    hours = {name: line[name] for name in ("start", "end") if name in line}
    if days := line.get("days"):
        span = _DAYS.fullmatch(days.replace(" ", ""))
        listed = range(int(span[1]), int(span[2]) + 1) if span else _words(days)
        hours["days"] = [int(day) if str(day).isdecimal() else day for day in listed]  # type: ignore[assignment]
    return {**given, "working_hours": hours} if hours else given


def _words(text: str) -> list[str]:
    return [word for part in re.split(r"[;,|]", text) if (word := part.strip())]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid({"id": "must be the id of a service"}) from error


def _read(adapter: TypeAdapter[B], given: Mapping[str, Any]) -> B:
    """The body of a line, as if it had been sent alone. Raises Invalid with every bad field."""
    bad = {
        name: [text] for name, value in given.items() if isinstance(value, str) and (text := unclean(value)) is not None
    }
    value: B | None = None
    if not bad:
        value, bad, _ = validate_body(adapter, dict(given), admin.dialect, drops_unknown=False)
    if bad or value is None:
        raise Invalid(bad)
    return value


def _lines(upload: Upload, columns: Sequence[str]) -> list[tuple[int, None, Line]]:
    """The lines with their numbers, empty cells left out. Raises Invalid for a file that is no such table."""
    if not upload.files:
        raise Invalid({"file": "Send one CSV file in this field."})
    try:
        return list(_cells(upload.files[0].content, columns))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid({"file": "This is no CSV file in UTF-8."}) from error


def _cells(content: IO[bytes], columns: Sequence[str]) -> Iterator[tuple[int, None, Line]]:
    text = content.read().decode("utf-8-sig")
    head = text.partition("\n")[0]
    # As spreadsheets write it where a comma stands in numbers.
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names = [_plain(name) for name in next(reader, [])]
    if strangers := sorted(set(names) - set(columns)):
        raise Invalid({"file": f"The columns {', '.join(strangers)[:200]} are not known: {', '.join(columns)} are."})
    if not names or len(set(names)) < len(names):
        raise Invalid({"file": "The first line names each column once."})
    begins = reader.line_num + 1
    for count, cells in enumerate(reader, 1):
        number, begins = begins, reader.line_num + 1
        if count > MOST_LINES:
            raise Invalid({"file": f"At most {MOST_LINES} lines are taken at once."})
        # What a comma without quotes has moved along would be read under the names of other columns. Separators alone
        # are what spreadsheets leave at the end of a line.
        if any(cell.strip() for cell in cells[len(names) :]):
            text = f"Line {number} has more cells than the first line has columns: look at its quotes."
            raise Invalid({"file": text})
        line = {n: value for n, cell in zip(names, cells, strict=False) if (value := undone(cell.strip()))}
        if line:
            yield number, None, line


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").split())
