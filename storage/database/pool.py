"""Connections: bounded, with bounded waits, JSON by orjson, and errors in our own words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, TypeAlias
from uuid import UUID, SafeUUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from storage.database.connection import Connection
from storage.database.errors import DatabaseAway, DatabaseBusy, DatabaseFull, StorageError
from storage.database.hosts import Hosts, hosts_of

Conn: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"

#: The longest wait for a free connection, in seconds (DESIGN section 9).
ACQUIRE_S = 2.0
#: The longest that one statement may run, in seconds.
STATEMENT_S = 15.0
#: So many statements a connection keeps prepared, for so many seconds: customers and technicians alone send some 160,
#: and those beyond would push each other out and be planned again in turn. One costs the database up to 90 KB.
PREPARED, PREPARED_S = 200, 3600
#: How long closing waits for connections in use, in seconds.
CLOSE_S = 2.0
#: So many blocks work at a time. Each connection is a process of PostgreSQL's with plans and caches of its own, so a
#: server process keeps few of them busy: of eight customers at once the same work costs the database a third less with
#: six than with twelve. Who has worked for so many seconds waits for something, and another one begins beside.
BUSY, BUSY_S = 6, 0.1


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def _uuid(raw: bytes) -> UUID:
    """The standard library's, made without the questions that its constructor asks: three times as fast."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", int.from_bytes(raw, "big"))
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def _uuid_bytes(value: UUID | str) -> bytes:
    return value.bytes if isinstance(value, UUID) else UUID(value).bytes


async def prepare(conn: Conn) -> None:
    """What every connection needs: jsonb and json as Python objects, and the standard library's UUID."""
    for kind in ("json", "jsonb"):
        await conn.set_type_codec(kind, encoder=_dumps, decoder=orjson.loads, schema="pg_catalog")
    # The driver's own subclass of UUID is unknown to orjson and would leak into every answer.
    await conn.set_type_codec("uuid", encoder=_uuid_bytes, decoder=_uuid, schema="pg_catalog", format="binary")


#: A server that takes no writes: a standby, or a primary that was told to be one.
_READ_ONLY = asyncpg.ReadOnlySQLTransactionError.sqlstate
_AWAY = (
    asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError,
)  # fmt: skip
#: No room on the disk, no memory, a file that cannot be read or written: nothing that a caller could mend.
_FULL = (asyncpg.InsufficientResourcesError, asyncpg.PostgresIOError, asyncpg.PostgresSystemError)


class translated:  # noqa: N801 (used like a function)
    """A block in which the driver's and the network's errors become StorageError and its kinds.

    A class and not a generator, because every statement passes here: it costs a third.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and (ours := _translation(error)) is not None:
            raise ours from error


def _translation(error: BaseException) -> StorageError | None:
    """None for what is a bug of the caller, not a condition of the database: it must stay what it is."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return DatabaseBusy("a statement ran too long", error.sqlstate)
    if isinstance(error, _AWAY):
        return DatabaseAway(str(error), error.sqlstate)
    if isinstance(error, _FULL):
        return DatabaseFull(str(error), error.sqlstate)
    if isinstance(error, asyncpg.PostgresError):
        return StorageError(str(error), error.sqlstate, getattr(error, "constraint_name", None))
    if isinstance(error, TimeoutError):
        return DatabaseBusy("the database did not answer in time")
    if isinstance(error, (OSError, asyncpg.InternalClientError)):
        return DatabaseAway(str(error) or type(error).__name__)
    if isinstance(error, asyncpg.InterfaceError) and "clos" in str(error):
        return DatabaseAway(str(error))
    return None


@asynccontextmanager
async def connected(dsn: str, *, timeout_s: float = 5.0) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection of its own for this block, for tools that need no pool. Raises StorageError."""
    with translated():
        conn = await asyncpg.connect(dsn, timeout=timeout_s)
        try:
            yield conn
        finally:
            await conn.close()


class _Lease:
    """A connection for the time of a block."""

    __slots__ = ("_busy", "_conn", "_mark", "_pool", "_raw")

    def __init__(self, pool: Pool, raw: asyncpg.Pool[Any]) -> None:
        self._pool, self._raw = pool, raw
        self._conn: PoolConnectionProxy[Any] | None = None
        #: Lets another one begin when it takes long; None when one may.
        self._busy: asyncio.TimerHandle | None = None
        #: Of the connection itself: a proxy whose connection was lost knows nothing any more.
        self._mark: Callable[[], None]

    async def __aenter__(self) -> Conn:
        with translated():
            # A limit around it, and not its own: that one makes a task for each acquisition.
            async with asyncio.timeout(ACQUIRE_S):
                await self._pool.busy.acquire()
                self._busy = asyncio.get_running_loop().call_later(BUSY_S, self._stand_aside)
                try:
                    self._conn = conn = await self._raw.acquire()
                except BaseException:
                    self._stand_aside()
                    raise
        self._mark = conn.mark  # type: ignore[attr-defined]
        return conn

    def _stand_aside(self) -> None:
        if self._busy is not None:
            self._busy.cancel()
            self._busy = None
            self._pool.busy.release()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        conn = self._conn
        assert conn is not None, "it was entered"
        try:
            if error is not None:
                self._mark()
                if isinstance(error, DatabaseFull):
                    self._pool.full_at = time.monotonic()
                if isinstance(error, StorageError) and error.sqlstate == _READ_ONLY:
                    # Another server is the primary by now: the next user of each connection gets a new one.
                    await self._raw.expire_connections()
            with translated():
                await self._raw.release(conn, timeout=ACQUIRE_S)
        finally:
            self._stand_aside()


class Pool:
    """A bounded pool. A block that waits too long for a connection raises DatabaseBusy.

    A connection goes to its next user without a reset, unless a statement may have left something in its session or
    its block failed.
    """

    def __init__(self, raw: asyncpg.Pool[Any], dsn: str) -> None:
        self._raw = raw
        self._dsn = dsn
        #: Free places among the connections that are busy.
        self.busy = asyncio.Semaphore(BUSY)
        #: When something last failed for want of room, by the monotonic clock; None when nothing did.
        self.full_at: float | None = None

    def connection(self) -> AbstractAsyncContextManager[Conn]:
        """`async with` gives a connection."""
        return _Lease(self, self._raw)

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
        """For the tests; nobody else needs it."""
        return self._raw

    @property
    def dsn(self) -> str:
        """Where it connects to, for whoever needs connections of another kind. It may hold a password."""
        return self._dsn

    @property
    def size(self) -> int:
        return int(self._raw.get_size())

    @property
    def idle(self) -> int:
        return int(self._raw.get_idle_size())

    @property
    def is_lent(self) -> bool:
        """Whether every connection that it may have is open and in use."""
        return self.size == self._raw.get_max_size() and self.idle == 0

    async def close(self) -> None:
        """Waits shortly for what still runs, then cuts it."""
        try:
            await asyncio.wait_for(self._raw.close(), CLOSE_S)
        except TimeoutError:
            self._raw.terminate()

    def terminate(self) -> None:
        self._raw.terminate()


async def _clean(conn: Any) -> None:
    """Before the next user: a reset only if there may be something to reset."""
    await conn.clean()


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Conn]:
    """A connection that sees the rows of one moment for this block, and writes nothing."""
    async with pool.connection() as conn:
        transaction = conn.transaction(isolation="repeatable_read", readonly=True)
        with translated():
            await transaction.start()
        try:
            yield conn
        finally:
            with translated():
                if not conn.is_closed():
                    await transaction.rollback()


async def create_pool(dsn: str, *, min_size: int = 2, max_size: int = 20, application_name: str = "dispatch") -> Pool:
    """Opens a pool; of several hosts in the DSN it follows the one that is wanted (`hosts.wanting_writes`).

    Raises DatabaseAway when none can be reached.
    """
    with translated():
        raw = await asyncpg.create_pool(
            dsn, connect=Hosts(dsn).connect if len(hosts_of(dsn)) > 1 else None,
            min_size=min_size, max_size=max_size, init=prepare, command_timeout=STATEMENT_S + 5,
            timeout=5, max_inactive_connection_lifetime=300, connection_class=Connection, reset=_clean,
            statement_cache_size=PREPARED, max_cached_statement_lifetime=PREPARED_S,
            server_settings={
                "application_name": application_name, "timezone": "UTC",
                "statement_timeout": str(int(STATEMENT_S * 1000)),
                "idle_in_transaction_session_timeout": "30000",
                # A plan stays as long as its connection. One that is made while a table is nearly empty should not read
                # all of it for ever, and no disk of today takes four times as long for a page here as for one there.
                "random_page_cost": "1.1",
            },
        )  # fmt: skip
    return Pool(raw, dsn)
