"""Itineraries: the rounds of salespeople, with trade partners as stops in an order without gaps to fill."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import itineraries as rows
from storage import references as reference_rows
from storage import trade_partners as partner_rows
from storage.database.errors import StorageError, is_check, is_foreign_key, is_unique
from storage.database.pool import Conn
from storage.itineraries import Itinerary, Stop

#: What could not be shown is not made.
MOST = 1000
#: Stops of one round.
MOST_STOPS = 500
#: As the database has it.
LAST_RANK = 10_000
_NO_SALESPERSON = "There is no such salesperson."

T = TypeVar("T")


class CodeTaken(Conflict):
    """Another itinerary has this code."""

    code = "code_taken"


class NoRoom(Conflict):
    """There are as many itineraries as can be kept."""

    code = "too_many"


class AlreadyThere(Conflict):
    """This partner is on this itinerary already."""

    code = "already_assigned"


async def page(conn: Conn, salesperson_id: int | None = None, is_active: bool | None = None) -> list[Itinerary]:
    """All, or those of a salesperson, or those that are on or off."""
    return await rows.every(conn, salesperson_id=salesperson_id, is_active=is_active, most=MOST)


async def get(conn: Conn, id: int) -> tuple[Itinerary, list[Stop]]:
    """A round and its stops in their order. Raises Missing."""
    found = await rows.get(conn, id=id)
    if found is None:
        raise Missing("itinerary")
    return found, await rows.stops(conn, itinerary_id=id, most=MOST_STOPS)


async def create(tx: Tx, actor: Actor, fields: Mapping[str, Any]) -> Itinerary:
    """Raises CodeTaken, NoRoom, Invalid (the salesperson)."""
    if (await rows.count(tx.conn) or 0) >= MOST:
        raise NoRoom
    await _check_salesperson(tx, fields["salesperson_id"])
    made = await _writing(tx, rows.insert(tx.conn, **fields))
    if made is None:
        raise CodeTaken
    await audit.record(tx, actor, "create_itinerary", "itinerary", made, fields)
    return (await get(tx.conn, made))[0]


async def change(tx: Tx, actor: Actor, id: int, changes: Mapping[str, Any]) -> Itinerary:
    """Raises Missing, CodeTaken, Invalid."""
    await _lock(tx, id)
    before, _ = await get(tx.conn, id)
    after = replace(before, **changes)
    await _check_salesperson(tx, after.salesperson_id)
    await _writing(tx, rows.save(
        tx.conn, id=id, code=after.code, name=after.name, salesperson_id=after.salesperson_id,
        is_active=after.is_active,
    ))  # fmt: skip
    await audit.changed(tx, actor, "update_itinerary", "itinerary", id, before, after)
    return after


async def delete(tx: Tx, actor: Actor, id: int) -> None:
    """With its stops. Raises Missing."""
    if not await rows.delete(tx.conn, id=id):
        raise Missing("itinerary")
    await audit.record(tx, actor, "delete_itinerary", "itinerary", id)


async def assign(tx: Tx, actor: Actor, id: int, partner_code: str, fields: Mapping[str, Any]) -> Stop:
    """One more stop; at a rank that is taken whoever stands there moves one on, without one it is the last.

    Raises Missing (the itinerary), Invalid (the partner, too many stops), AlreadyThere.
    """
    await _lock(tx, id)
    partner = await partner_rows.by_code(tx.conn, code=partner_code)
    # Locked, so that it is not deleted meanwhile, which takes its stops away.
    if partner is None or await partner_rows.lock(tx.conn, no=partner.no) is None:
        raise Invalid({"partner_code": "There is no partner with this code."})
    _, stops = await get(tx.conn, id)
    if len(stops) >= MOST_STOPS:
        raise Invalid({"partner_code": f"An itinerary has at most {MOST_STOPS} stops."})
    if fields["rank"] is not None:
        await _placing(tx, rows.make_room(tx.conn, itinerary_id=id, rank=fields["rank"]))
    stop_id = await _placing(tx, rows.add_stop(tx.conn, itinerary_id=id, partner_no=partner.no, **fields))
    if stop_id is None:
        raise AlreadyThere
    await audit.record(tx, actor, "assign_partner", "itinerary", id, {"partner_code": partner_code})
    return await _stop(tx.conn, id, stop_id)


async def change_stop(tx: Tx, actor: Actor, id: int, stop_id: int, changes: Mapping[str, Any]) -> Stop:
    """Raises Missing, Invalid (a time span that is none)."""
    await _lock(tx, id)
    before = await _stop(tx.conn, id, stop_id)
    after = replace(before, **changes)
    if after.start_time is not None and after.end_time is not None and after.end_time <= after.start_time:
        raise Invalid({"end_time": "must be after start_time"})
    if after.rank != before.rank:
        await _placing(tx, rows.make_room(tx.conn, itinerary_id=id, rank=after.rank))
    await rows.save_stop(
        tx.conn, id=stop_id, itinerary_id=id, rank=after.rank, visit_frequency_days=after.visit_frequency_days,
        start_time=after.start_time, end_time=after.end_time, is_stop_point=after.is_stop_point,
    )  # fmt: skip
    await audit.changed(tx, actor, "update_stop", "itinerary", id, before, after)
    return after


async def drop_stop(tx: Tx, actor: Actor, id: int, stop_id: int) -> None:
    """Raises Missing."""
    if not await rows.drop_stop(tx.conn, id=stop_id, itinerary_id=id):
        raise Missing("stop")
    await audit.record(tx, actor, "drop_stop", "itinerary", id, {"stop": stop_id})


async def reorder(tx: Tx, actor: Actor, id: int, stop_ids: Sequence[int]) -> None:
    """The named stops come first and in this order. Raises Missing, Invalid for one that is none of this round."""
    await _lock(tx, id)
    if len(set(stop_ids)) != len(stop_ids) or await _reordered(tx, id, stop_ids) != len(stop_ids):
        raise Invalid({"ids": "Name stops of this itinerary, each of them once."})
    await audit.record(tx, actor, "reorder_stops", "itinerary", id, {"ids": list(stop_ids)})


async def _reordered(tx: Tx, id: int, stop_ids: Sequence[int]) -> int:
    return await rows.reorder(tx.conn, itinerary_id=id, ids=list(stop_ids)) or 0


async def _lock(tx: Tx, id: int) -> None:
    if await rows.lock(tx.conn, id=id) is None:
        raise Missing("itinerary")


async def _stop(conn: Conn, id: int, stop_id: int) -> Stop:
    found = await rows.stop(conn, id=stop_id, itinerary_id=id)
    if found is None:
        raise Missing("stop")
    return found


async def _check_salesperson(tx: Tx, id: int | None) -> None:
    if id is not None and await reference_rows.salesperson(tx.conn, id=id) is None:
        raise Invalid({"salesperson_id": _NO_SALESPERSON})


async def _writing(tx: Tx, statement: Awaitable[T]) -> T:
    """Raises CodeTaken, and Invalid where the salesperson was deleted in this very moment."""
    try:
        async with tx.savepoint():
            return await statement
    except StorageError as error:
        if is_unique(error):
            raise CodeTaken from error
        if is_foreign_key(error):
            raise Invalid({"salesperson_id": _NO_SALESPERSON}) from error
        raise


async def _placing(tx: Tx, statement: Awaitable[T]) -> T:
    """Raises Invalid where the last of those who move on would stand beyond the last place."""
    try:
        async with tx.savepoint():
            return await statement
    except StorageError as error:
        if is_check(error):
            raise Invalid({"rank": f"The last place is {LAST_RANK:,}, and it is taken."}) from error
        raise
