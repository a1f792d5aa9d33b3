"""Connections: bounded, with bounded waits, JSON by orjson, and errors in our own words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from storage.errors import DatabaseAway, DatabaseBusy, StorageError

Conn: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"

#: The longest wait for a free connection, in seconds (DESIGN section 9).
ACQUIRE_S = 2.0
#: The longest that one statement may run, in seconds.
STATEMENT_S = 15.0


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


async def prepare(conn: Conn) -> None:
    """What every connection needs: jsonb and json as Python objects."""
    for kind in ("json", "jsonb"):
        await conn.set_type_codec(kind, encoder=_dumps, decoder=orjson.loads, schema="pg_catalog")


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's and the network's errors into StorageError and its kinds."""
    try:
        yield
    except asyncpg.QueryCanceledError as e:
        raise DatabaseBusy("a statement ran too long", e.sqlstate) from e
    except (asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, asyncpg.TooManyConnectionsError) as e:
        raise DatabaseAway(str(e), e.sqlstate) from e
    except asyncpg.PostgresError as e:
        raise StorageError(str(e), e.sqlstate, getattr(e, "constraint_name", None)) from e
    except TimeoutError as e:
        raise DatabaseBusy("the database did not answer in time") from e
    except (OSError, asyncpg.InternalClientError, asyncpg.InterfaceError) as e:
        raise DatabaseAway(str(e)) from e


class Pool:
    """A bounded pool. A block that waits too long for a connection raises DatabaseBusy."""

    def __init__(self, raw: asyncpg.Pool[Any]) -> None:
        self._raw = raw

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        with translated():
            conn = await self._raw.acquire(timeout=ACQUIRE_S)
        try:
            yield conn
        finally:
            with translated():
                await self._raw.release(conn, timeout=ACQUIRE_S)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Conn]:
        async with self.connection() as conn:
            transaction = conn.transaction()
            with translated():
                await transaction.start()
            try:
                yield conn
            except BaseException:
                with translated():
                    if not conn.is_closed():
                        await transaction.rollback()
                raise
            with translated():
                await transaction.commit()

    @property
    def raw(self) -> asyncpg.Pool[Any]:
        """For pgqueuer and the tests; nobody else needs it."""
        return self._raw

    @property
    def size(self) -> int:
        return int(self._raw.get_size())

    @property
    def idle(self) -> int:
        return int(self._raw.get_idle_size())

    async def close(self) -> None:
        await self._raw.close()

    def terminate(self) -> None:
        self._raw.terminate()


async def create_pool(
    dsn: str, *, min_size: int = 2, max_size: int = 20, application_name: str = "dispatch"
) -> Pool:
    """Opens a pool. Raises DatabaseAway when the server cannot be reached."""
    with translated():
        raw = await asyncpg.create_pool(
            dsn, min_size=min_size, max_size=max_size, init=prepare, command_timeout=STATEMENT_S + 5,
            timeout=5, max_inactive_connection_lifetime=300,
            server_settings={
                "application_name": application_name, "timezone": "UTC",
                "statement_timeout": str(int(STATEMENT_S * 1000)), "idle_in_transaction_session_timeout": "30000",
            },
        )  # fmt: skip
    return Pool(raw)
