"""Transactions of the services: repeated when they lost a deadlock, kept when an error says so."""

from __future__ import annotations

import asyncio
import gc
from functools import partial

import pytest

from dispatch import bus
from dispatch import services as services_module
from dispatch.engine import facts
from dispatch.errors import Conflict
from dispatch.live.replica import Replica
from dispatch.services import Services, Tx
from storage.database.errors import StorageError
from storage.database.pool import Pool
from tests.world import World


async def test_a_real_deadlock_is_repeated(world: World) -> None:
    """Two lock the same two rows the other way round; both do what they came for."""
    await world.execute("CREATE TABLE pairs (id int PRIMARY KEY, n int NOT NULL)")
    await world.execute("INSERT INTO pairs VALUES (1, 0), (2, 0)")
    both_hold_one, tries = asyncio.Barrier(2), []

    async def add(first: int, second: int) -> None:
        is_first_try = True

        async def work(tx: Tx) -> None:
            nonlocal is_first_try
            tries.append(first)
            await tx.conn.execute("UPDATE pairs SET n = n + 1 WHERE id = $1", first)
            if is_first_try:
                is_first_try = False
                await both_hold_one.wait()
            await world_update(tx, second)

        await world.services.retrying(work)

    await asyncio.gather(add(1, 2), add(2, 1))
    assert [r["n"] for r in await world.fetch("SELECT n FROM pairs ORDER BY id")] == [2, 2]
    # The one who repeats may have its row back before the other has woken up, and lose again.
    assert len(tries) >= 3 and sorted(set(tries)) == [1, 2]


async def world_update(tx: Tx, row_id: int) -> None:
    from storage.database.pool import translated

    with translated():
        await tx.conn.execute("UPDATE pairs SET n = n + 1 WHERE id = $1", row_id)


@pytest.mark.parametrize(("sqlstate", "times"), [("40P01", services_module.TRIES), ("40001", 3), ("23505", 1)])
async def test_it_gives_up_in_the_end_and_repeats_nothing_else(world: World, sqlstate: str, times: int) -> None:
    tries = 0

    async def work(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        raise StorageError("lost", sqlstate)

    with pytest.raises(StorageError):
        await world.services.retrying(work)
    assert tries == times


class Counted(Conflict):
    """Refused, but counted."""

    keeps_work = True


@pytest.mark.parametrize(("error", "kept"), [(Counted, 1), (Conflict, 0)])
async def test_an_error_that_keeps_the_work(world: World, error: type[Conflict], kept: int) -> None:
    await world.execute("CREATE TABLE tries (n int)")
    told: list[int] = []
    with pytest.raises(error):
        async with world.services.transaction() as tx:
            await tx.conn.execute("INSERT INTO tries VALUES (1)")
            tx.after_commit(lambda: told.append(1))
            raise error
    assert await world.value("SELECT count(*) FROM tries") == kept == len(told)


async def test_a_transaction_that_is_over_waits_for_no_collector(world: World) -> None:
    """What waits for the commit often holds the transaction that holds it."""
    done: list[Tx] = []

    async def work(tx: Tx) -> None:
        tx.hint(bus.TIMER_SET, {"at": 1.0})
        tx.after_commit(lambda: done.append(tx))

    gc.collect()
    gc.disable()
    try:
        await world.services.retrying(work)
        assert [one.now for one in done] == [world.now]
        done.clear()
        assert not [one for one in gc.get_objects() if isinstance(one, Tx)]
    finally:
        gc.enable()


async def test_reports_are_read_from_the_replica_where_there_is_one(services: Services, pool: Pool) -> None:
    question = "SELECT current_database()"
    async with services.read() as conn, services.read_reports() as same:
        assert await conn.fetchval(question) == await same.fetchval(question)
    services.replica = Replica(pool)
    async with services.read() as conn, services.read_reports() as same:
        assert await conn.fetchval(question) == await same.fetchval(question), "nobody knows yet whether it is there"
    await services.replica.look()
    async with services.read() as conn, services.read_reports() as other:
        assert await conn.fetchval(question) != await other.fetchval(question)


async def test_a_party_hears_of_its_facts_before_anything_else_follows(world: World) -> None:
    technician = await world.technician()
    heard: list[str] = []
    for topic in (bus.PARTY_CHANGED, bus.OUTBOX_FILLED):
        world.services.bus.subscribe(topic, partial(_note, heard, topic))
    async with world.services.transaction() as tx:
        tx.hint(bus.OUTBOX_FILLED, {"channels": ["sms"]})
        facts.tell_party(tx, technician, "job.updated", {"booking_id": str(technician), "state": "accepted"})
    await asyncio.sleep(0)
    assert heard == [bus.PARTY_CHANGED, bus.OUTBOX_FILLED]


def _note(heard: list[str], topic: str, _hint: bus.Hint) -> None:
    heard.append(topic)
