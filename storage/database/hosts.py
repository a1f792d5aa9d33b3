"""Several servers behind one DSN, of which one takes writes: whoever connects finds it, also when it has changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

#: A server that does not answer by then is passed over, in seconds: what waits for a connection waits for two.
HOST_S = 1.0
_WANTED = "target_session_attrs"
_STANDING = """
SELECT pg_is_in_recovery() AS is_standby,
  CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
    THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 ELSE 0 END AS behind_s,
  (SELECT count(*) FROM pg_stat_replication WHERE coalesce(state, 'streaming') = 'streaming')
    AS standbys
"""


def hosts_of(dsn: str) -> list[str]:
    """The hosts that a DSN names, as they stand in it: before the path, or else as `host` behind it."""
    parts = urlsplit(dsn)
    named = parts.netloc.rpartition("@")[2]
    return (named or dict(parse_qsl(parts.query)).get("host", "")).split(",")


def wanting_writes(dsn: str) -> str:
    """A DSN of several hosts that does not say which of them is wanted wants the one that takes writes."""
    parts = urlsplit(dsn)
    if len(hosts_of(dsn)) < 2 or _WANTED in parse_qs(parts.query):
        return dsn
    return _asking(dsn, f"{parts.query}&{_WANTED}=read-write".lstrip("&"))


def _asking(dsn: str, query: str) -> str:
    """A DSN with another query. By hand: the library takes the slashes away where no host stands behind them."""
    return f"{dsn.partition('?')[0]}?{query}" if query else dsn.partition("?")[0]


def of_database(dsn: str, name: str) -> str:
    """A DSN that names another database of the same server."""
    parts = urlsplit(dsn)
    return _asking(f"{parts.scheme}://{parts.netloc}/{quote(name, safe='')}", parts.query)


def each_of(dsn: str) -> list[str]:
    """A DSN for each of the hosts."""
    parts = urlsplit(dsn)
    user, at, named = parts.netloc.rpartition("@")
    if not named:
        return _each_behind(dsn)
    return [urlunsplit(parts._replace(netloc=user + at + host)) for host in hosts_of(dsn)]


def _each_behind(dsn: str) -> list[str]:
    """The same of hosts that are named behind the path, with a `port` for all or one for each."""
    found = hosts_of(dsn)
    if len(found) < 2:
        return [dsn]
    said = dict(parse_qsl(urlsplit(dsn).query, keep_blank_values=True))
    ports = said.get("port", "").split(",")
    if len(ports) == 1:
        ports *= len(found)
    each = [{**said, "host": host, "port": port} for host, port in zip(found, ports, strict=True)]
    queries = [urlencode({name: value for name, value in one.items() if name != "port" or value}) for one in each]
    return [_asking(dsn, query) for query in queries]


def without_password(dsn: str) -> tuple[str, str | None]:
    """A DSN without its password, and the password, which may also stand behind the path."""
    parts = urlsplit(dsn)
    user, at, where = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    said = dict(parse_qsl(parts.query)).get("password")
    if not colon and said is None:
        return dsn, None
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("password="))
    bare = _asking(f"{parts.scheme}://{name}{at}{where}{parts.path}", query)
    return bare, unquote(password) if colon else said


class Hosts:
    """Connects to the one of the hosts that is wanted; the one that was found last is asked first."""

    def __init__(self, dsn: str) -> None:
        self._dsns = each_of(dsn)

    async def connect(self, *_: Any, **options: Any) -> asyncpg.Connection[Any]:
        """For asyncpg's pool. Raises what the last of the hosts said."""
        options.pop("timeout", None)
        failure: BaseException | None = None
        for dsn in list(self._dsns):
            try:
                found: asyncpg.Connection[Any] = await asyncpg.connect(dsn, timeout=HOST_S, **options)
                return found
            except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError) as e:
                failure = e
                # At once and not at the end: whoever gives up in between begins with another one.
                self._dsns.remove(dsn)
                self._dsns.append(dsn)
        assert failure is not None, "there is a host"
        raise failure


@dataclass(frozen=True, slots=True)
class Standing:
    """One of the hosts. `error`: why it could not be asked; the rest is nothing then."""

    host: str
    is_standby: bool = False
    behind_s: float = 0.0
    standbys: int = 0
    error: str | None = None


async def standing(dsn: str) -> list[Standing]:
    """Who is primary, who stands by and how far behind, in the order of the DSN."""
    parts = urlsplit(dsn)
    query = "&".join(part for part in parts.query.split("&") if part and not part.startswith(f"{_WANTED}="))
    bare = _asking(dsn, query)
    return list(await asyncio.gather(*map(_ask, hosts_of(bare), each_of(bare))))


async def _ask(host: str, dsn: str) -> Standing:
    try:
        conn = await asyncpg.connect(dsn, timeout=5 * HOST_S)
        try:
            row = await conn.fetchrow(_STANDING)
        finally:
            await conn.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InternalClientError) as e:
        return Standing(host, error=str(e) or type(e).__name__)
    assert row is not None, "it has no FROM"
    return Standing(host, row["is_standby"], row["behind_s"] or 0.0, row["standbys"])
