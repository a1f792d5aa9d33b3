"""What a piece of work asks of the database: every statement on the pool's real connections but BEGIN and COMMIT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

from storage.database.pool import Conn, Pool


class _Listening:
    """A connection's block with an ear on it."""

    def __init__(self, inner: AbstractAsyncContextManager[Conn], heard: list[str]) -> None:
        self._inner, self._heard = inner, heard

    def _note(self, record: Any) -> None:
        if record.query.split(None, 1)[0].rstrip(";") not in ("BEGIN", "COMMIT", "ROLLBACK"):
            self._heard.append(record.query)

    async def __aenter__(self) -> Conn:
        self._conn = await self._inner.__aenter__()
        self._conn.add_query_logger(self._note)
        return self._conn

    async def __aexit__(self, *what: Any) -> None:
        self._conn.remove_query_logger(self._note)
        await self._inner.__aexit__(*what)


@contextmanager
def counted(pool: Pool) -> Iterator[list[str]]:
    """The statements of the block, in their order."""
    heard: list[str] = []
    real = pool.connection
    pool.connection = lambda: _Listening(real(), heard)  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        del pool.connection  # type: ignore[method-assign]
