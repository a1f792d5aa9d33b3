"""The five wire forms: success, page and error, and how keys, money and times are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel

from api.wire.fact_form import camel_fact
from api.wire.models import Body as Body
from api.wire.models import Money as Money
from api.wire.models import Query as Query
from api.wire.models import View as View
from api.wire.results import Message, MessageWith, Page, PageWith, Reply, ReplyWith
from dispatch.errors import DispatchError, Invalid, Kind

STATUS: Mapping[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
}
_ORJSON = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS


@dataclass(frozen=True, slots=True)
class Problem:
    """An error before it has a form. `fields` are the bad ones of a request that is not valid."""

    status: int
    code: str
    message: str
    details: Mapping[str, Any] | None = None
    fields: Mapping[str, Sequence[str]] | None = None


PageForm = Callable[[Page[Any], list[Any], int, int, dict[str, Any], "int | None"], dict[str, Any]]
ErrorForm = Callable[[Problem], dict[str, Any]]


def seconds_z(moment: datetime) -> str:
    """2024-01-20T10:00:00Z"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis_z(moment: datetime) -> str:
    """2024-01-20T10:00:00.000Z"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def micros_z(moment: datetime) -> str:
    """2024-01-20T10:00:00.000000Z"""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of caller is spoken to; endpoints never see it."""

    name: str
    is_camel: bool
    #: Smallest units in one written unit of money: 100 writes decimals, 1 the smallest unit itself.
    minor_per_unit: int
    write_time: Callable[[datetime], str]
    invalid_status: int
    page_form: PageForm
    error_form: ErrorForm
    stamps_success: bool = False

    def money(self, minor: int) -> int | float:
        """Minor units as this dialect writes them: 177120 is 1771.2 or 177120."""
        return minor if self.minor_per_unit == 1 else minor / self.minor_per_unit

    # ------------------------------------------------------------ success

    def success(self, result: Any, now: datetime) -> dict[str, Any]:
        """The envelope around what an endpoint returned (but not of a page)."""
        body: dict[str, Any] = {"success": True}
        if isinstance(result, Message):
            body |= {"message": result.message, **self.extra(result)}
        elif isinstance(result, Reply):
            if result.message is not None:
                body["message"] = result.message
            if result.data is not None:
                body["data"] = result.data
            body |= self.extra(result)
        elif result is not None:
            body["data"] = result
        if self.stamps_success:
            body["timestamp"] = now
        return body

    def page(
        self, page: Page[Any], items: list[Any], number: int, limit: int, now: datetime, clamped_from: int | None = None
    ) -> dict[str, Any]:
        """The envelope around one page; `items` are the rendered rows. A limit that was too high is said."""
        body = self.page_form(page, items, number, limit, self.extra(page), clamped_from)
        if self.stamps_success:
            body["timestamp"] = now
        return body

    def extra(self, result: Any) -> dict[str, Any]:
        """What stands beside a result, as this dialect writes it."""
        if isinstance(result, ReplyWith | MessageWith | PageWith):
            return result.extra.model_dump(context=self)  # type: ignore[no-any-return]
        return {}

    # ------------------------------------------------------------ errors

    def status_of(self, kind: Kind) -> int:
        return self.invalid_status if kind is Kind.INVALID else STATUS[kind]

    def problem_of(self, error: DispatchError) -> Problem:
        fields = error.fields if isinstance(error, Invalid) else None
        details = error.details
        if self.is_camel and fields is None:
            # Bad fields go by the names that the caller wrote, everything else by this dialect's.
            details = camel_fact(details, self)
        return Problem(self.status_of(error.kind), error.code.upper(), error.message, details or None, fields)

    def error(self, problem: Problem, now: datetime) -> dict[str, Any]:
        """The body of every error; all dialects carry a top-level message."""
        body = self.error_form(problem)
        body["timestamp"] = now
        return body

    # ------------------------------------------------------------ bytes

    def plain(self, value: Any) -> Any:
        """What JSON needs a word on: models, times, decimals, sets. Raises TypeError for anything else."""
        if isinstance(value, BaseModel):
            return value.model_dump(context=self)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise TypeError("a time without a zone cannot be sent")
            return self.write_time(value)
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, Decimal):
            return float(value)
        if isinstance(value, set | frozenset):
            return sorted(value)
        raise TypeError(f"{type(value).__name__} cannot be sent: return a View")

    def dumps(self, value: Any) -> bytes:
        return orjson.dumps(value, default=self.plain, option=_ORJSON)


# ---------------------------------------------------------------- pages


def _pages(total: int, limit: int) -> int:
    return math.ceil(total / limit) if total else 0


def _page_form(pages_word: str, exact_word: str, clamped_word: str) -> PageForm:
    def form(
        page: Page[Any], items: list[Any], number: int, limit: int, extra: dict[str, Any], clamped_from: int | None
    ) -> dict[str, Any]:
        pagination = {
            "page": number,
            "limit": limit,
            "total": page.total,
            pages_word: _pages(page.total, limit),
            exact_word: page.is_exact,
            "cursor": page.cursor,
        }
        if clamped_from is not None:
            pagination[clamped_word] = clamped_from
        key = page.key or "items"
        return {"success": True, "data": {key: items, "pagination": pagination, **extra}}

    return form


def _laravel_form(
    page: Page[Any], items: list[Any], number: int, limit: int, extra: dict[str, Any], clamped_from: int | None
) -> dict[str, Any]:
    """Two shapes: under a key without an envelope, or bare data beside a pagination (R186)."""
    further: dict[str, Any] = {"total_is_exact": page.is_exact, "cursor": page.cursor}
    if clamped_from is not None:
        further["clamped_from"] = clamped_from
    first = (number - 1) * limit + 1 if items else None
    last_page = max(_pages(page.total, limit), 1)
    whereabouts = {
        "last_page": last_page, "from": first, "to": first + len(items) - 1 if first is not None else None, **further,
    }  # fmt: skip
    if page.key is not None:
        inner = {"current_page": number, "data": items, "per_page": limit, "total": page.total, **whereabouts}
        return {page.key: inner, **extra}
    pagination = {"current_page": number, "per_page": limit, "total": page.total, **whereabouts}
    return {"success": True, "data": items, "pagination": pagination, **extra}


# ---------------------------------------------------------------- errors


def _plain_error(problem: Problem) -> dict[str, Any]:
    inner: dict[str, Any] = {"code": problem.code, "message": problem.message}
    if problem.details:
        inner["details"] = problem.details
    return {"success": False, "error": inner, "message": problem.message}


def _error_with_map(problem: Problem) -> dict[str, Any]:
    body = _plain_error(problem)
    if problem.fields:
        body["errors"] = problem.fields
    return body


def _provider_error(problem: Problem) -> dict[str, Any]:
    """The contract's words where it has some; the sentence for the person stands at the top."""
    body = _error_with_map(problem)
    if problem.code == "VALIDATION_ERROR":
        body["error"] = {**body["error"], "message": "Validation failed"}
    return body


def _error_with_list(problem: Problem) -> dict[str, Any]:
    listed = [{"field": name, "message": text} for name, texts in (problem.fields or {}).items() for text in texts]
    return {**_plain_error(problem), "code": problem.code, "errors": listed}


# ---------------------------------------------------------------- the table

_SNAKE_PAGE = _page_form("total_pages", "total_is_exact", "clamped_from")
_CAMEL_PAGE = _page_form("totalPages", "totalIsExact", "clampedFrom")
_SHORT_PAGE = _page_form("pages", "totalIsExact", "clampedFrom")

MINUTESERV = Dialect("minuteserv", False, 100, seconds_z, 422, _SNAKE_PAGE, _plain_error)
ORGANISATION = Dialect("organisation", True, 100, seconds_z, 422, _CAMEL_PAGE, _plain_error)
INTEGRATION = Dialect("integration", True, 100, seconds_z, 400, _SHORT_PAGE, _error_with_list)
ERP = Dialect("erp", False, 100, micros_z, 422, _laravel_form, _error_with_map)
PROVIDER = Dialect("provider", True, 1, millis_z, 400, _CAMEL_PAGE, _provider_error, stamps_success=True)

#: For providers whose front end prints whole units of money (C112).
PROVIDER_MAJOR = replace(PROVIDER, name="provider_major", minor_per_unit=100)

ALL = (MINUTESERV, ORGANISATION, INTEGRATION, ERP, PROVIDER)
