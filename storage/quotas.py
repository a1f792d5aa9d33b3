"""Counters that protect money and identity: exact sliding windows in PostgreSQL, shared by all nodes."""

from __future__ import annotations

from storage.database.binder import Statements
from storage.database.pool import Conn

sql = Statements("quotas")

hit = sql.scalar("hit", bool)
wait_s = sql.scalar("wait_s", float)
give_back = sql.run("give_back")
#: How often today with this time, in real time of a zone; None beyond the limit, which is not counted.
take_of_day = sql.scalar("take_of_day", int)
left_of_day_s = sql.scalar("left_of_day_s", float)
forget = sql.run("forget")
purge = sql.run("purge")

#: A refusal never says "at once".
_LEAST_WAIT_S = 1.0


async def take(conn: Conn, key: str, limit: int, window_s: float) -> float:
    """Counts one use of `key`. 0 within `limit` per `window_s` (real time), else the seconds to wait.

    A refused one is not counted. The counter's row is locked until the transaction ends.
    """
    if limit < 1:
        return window_s
    if await hit(conn, key=key, limit=limit, window_s=window_s):
        return 0.0
    return max(await wait_s(conn, key=key, limit=limit, window_s=window_s) or 0.0, _LEAST_WAIT_S)
