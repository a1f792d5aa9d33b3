"""Several hosts: connections go to the one that takes writes, and follow it when another one does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import asyncpg
import pytest

from storage import clock
from storage.database import hosts
from storage.database.errors import DatabaseAway, StorageError
from storage.database.pool import create_pool
from tests.doors import Door, socket_of


@asynccontextmanager
async def two_doors(dsn: str) -> AsyncIterator[tuple[Door, Door, str]]:
    """Two hosts that are the same server, and the DSN that names both."""
    parts = urlsplit(dsn)
    first, second = Door(socket_of(dsn)), Door(socket_of(dsn))
    await first.open()
    await second.open()
    try:
        where = (
            f"postgresql://{parts.username}@127.0.0.1:{first.port},127.0.0.1:{second.port}{parts.path}?sslmode=disable"
        )
        yield first, second, hosts.wanting_writes(where)
    finally:
        await first.close()
        await second.close()


async def test_the_pool_follows_a_failover(fresh_dsn: str) -> None:
    async with two_doors(fresh_dsn) as (first, second, dsn):
        pool = await create_pool(dsn, min_size=2, max_size=4)
        try:
            async with pool.transaction() as conn:
                await conn.execute("CREATE TEMP TABLE kept (n int)")
            assert (first.knocks, second.knocks) == (2, 0)
            await first.close()
            failures = 0
            while True:
                try:
                    async with pool.connection() as conn:
                        assert await conn.fetchval("SELECT 1") == 1
                        break
                except (DatabaseAway, OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
                    failures += 1
                    assert failures <= 2, "each connection that was open may fail once"
            assert second.knocks >= 1
            # The one that was found last is asked first, so that a dead host is not waited for each time.
            await first.open()
            before = first.knocks
            async with pool.connection() as one, pool.connection() as two, pool.connection() as three:
                assert [await c.fetchval("SELECT 1") for c in (one, two, three)] == [1, 1, 1]
            assert first.knocks == before
        finally:
            await pool.close()


async def test_connections_to_a_primary_that_became_a_standby_are_given_up(fresh_dsn: str) -> None:
    pool = await create_pool(fresh_dsn, min_size=1, max_size=1)
    name = urlsplit(fresh_dsn).path.strip("/")
    admin = await asyncpg.connect(fresh_dsn)
    reading = {"real_at": 0.0, "app_at": 0.0, "speed": 1.0}
    try:
        try:
            await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            await pool.raw.expire_connections()
            with pytest.raises(DatabaseAway) as caught:
                async with pool.transaction() as conn:
                    await clock.set_reading(conn, **reading)
        finally:
            # Other tests get this database after this one.
            await admin.execute("SET default_transaction_read_only = off")
            await admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        assert caught.value.sqlstate == "25006"
        # The pool keeps its number by itself: what it opened while the server took no writes fails once as well.
        with suppress(DatabaseAway):
            async with pool.transaction() as conn:
                await clock.set_reading(conn, **reading)
        async with pool.transaction() as conn:
            await clock.set_reading(conn, **reading)
    finally:
        await admin.close()
        await pool.close()


async def test_who_is_primary(fresh_dsn: str) -> None:
    async with two_doors(fresh_dsn) as (first, second, dsn):
        await second.close()
        alive, dead = await hosts.standing(dsn)
        assert (alive.host, alive.is_standby, alive.error) == (f"127.0.0.1:{first.port}", False, None)
        assert dead.error is not None
        with pytest.raises(StorageError):
            await first.close()
            await create_pool(dsn, min_size=1, max_size=1)


def test_a_dsn_of_several_hosts_is_taken_apart() -> None:
    dsn = "postgresql://u:p@a:1,[::1]:2/d?x=1"
    assert hosts.hosts_of(dsn) == ["a:1", "[::1]:2"]
    assert hosts.each_of(dsn) == ["postgresql://u:p@a:1/d?x=1", "postgresql://u:p@[::1]:2/d?x=1"]


def test_hosts_behind_the_path_are_several_too() -> None:
    dsn = "postgresql:///db?host=a,b&port=1,2&user=u"
    assert hosts.hosts_of(dsn) == ["a", "b"]
    assert hosts.each_of(dsn) == ["postgresql:///db?host=a&port=1&user=u", "postgresql:///db?host=b&port=2&user=u"]
    assert hosts.each_of("postgresql:///db?host=a,b") == ["postgresql:///db?host=a", "postgresql:///db?host=b"]
    assert hosts.wanting_writes(dsn) == f"{dsn}&target_session_attrs=read-write"
    assert hosts.each_of("postgresql://u@/db?host=/x") == ["postgresql://u@/db?host=/x"]


@pytest.mark.parametrize(
    ("dsn", "bare", "password"),
    [
        ("postgresql://u:p%40ss@h:5/d?x=1", "postgresql://u@h:5/d?x=1", "p@ss"),
        ("postgresql://u@/d?host=/x", "postgresql://u@/d?host=/x", None),
        ("postgresql:///d?host=/x&password=p%40ss&user=u", "postgresql:///d?host=/x&user=u", "p@ss"),
        ("redis://:p%2Fw@h:6379/0", "redis://@h:6379/0", "p/w"),
    ],
)
def test_a_dsn_is_shown_without_its_password(dsn: str, bare: str, password: str | None) -> None:
    assert hosts.without_password(dsn) == (bare, password)
