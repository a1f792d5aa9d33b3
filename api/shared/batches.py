"""Many things at once: each on its own, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from api.shared.objects import FactData
from api.wire.dialects import Dialect
from api.wire.models import View
from dispatch.errors import DispatchError, Unavailable
from storage.database.errors import StorageError

log = logging.getLogger(__name__)

T = TypeVar("T")


class RowError(View):
    """As the same thing alone would have been refused."""

    code: str
    message: str
    details: FactData | None


class RowOut(View):
    """`row` counts from 1 in what was sent (in a file: its line). `status` is how the thing stands now."""

    row: int
    id: UUID | None
    ok: bool
    status: str | None
    error: RowError | None


class BatchOut(View):
    """Rows that failed changed nothing, and did not keep the others from being done."""

    results: list[RowOut]
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class Done:
    """What one row led to."""

    id: UUID
    status: str


async def each(
    dialect: Dialect, rows: Iterable[tuple[int, UUID | None, T]], work: Callable[[T], Awaitable[Done]]
) -> BatchOut:
    """Does `work` with each of the rows, one after the other, each in a transaction of its own."""
    results = [await _one(dialect, number, known, row, work) for number, known, row in rows]
    done = sum(one.ok for one in results)
    return BatchOut(results=results, succeeded=done, failed=len(results) - done)


async def _one(
    dialect: Dialect, number: int, known: UUID | None, row: T, work: Callable[[T], Awaitable[Done]]
) -> RowOut:
    error: DispatchError
    try:
        done = await work(row)
        return RowOut(row=number, id=done.id, ok=True, status=done.status, error=None)
    except DispatchError as refusal:
        error = refusal
    except StorageError:
        log.exception("a row of a batch failed")
        error = Unavailable()
    problem = dialect.problem_of(error)
    details: dict[str, Any] | None = dict(error.details) or None
    return RowOut(
        row=number, id=known, ok=False, status=None,
        error=RowError(code=problem.code, message=problem.message, details=details),
    )  # fmt: skip
