"""Calls of apps: counted by all nodes, and told of once when the month runs out."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.parties import integration_usage, integrations
from dispatch.services import Services
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage import integration_usage as usage_rows
from tests.dispatch.parties.test_integrations import STAFF, letters, listening, make, new
from tests.turns import until_waiting


async def told(services: Services, type_: str) -> list[dict[str, object]]:
    async with services.read() as conn:
        found = await conn.fetch("SELECT data FROM webhook_deliveries WHERE type = $1 ORDER BY no", type_)
        return [row["data"] for row in found]


async def test_an_app_is_told_once_that_its_month_runs_out(services: Services) -> None:
    made = await make(services, new())
    await listening(services, made.id, "api.usage_alert", "partner.status_changed")
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, monthly=10)
        await integrations.set_status(tx, made.id, "active", STAFF)
    for calls, percents in ((7, []), (1, [80]), (1, [80]), (1, [80, 100])):
        for _ in range(calls):
            standing = await integration_usage.admit(services, made.id)
            integration_usage.spend(services, made.id, standing, "GET /a")
        await integration_usage.flush(services)
        assert [t["percent"] for t in await told(services, "api.usage_alert")] == percents
    standing = await integration_usage.admit(services, made.id)
    with pytest.raises(integration_usage.MonthUsedUp) as refused:
        integration_usage.spend(services, made.id, standing, "GET /a")
    assert refused.value.retry_after_s is not None and refused.value.retry_after_s >= 1
    assert [(t["from"], t["to"]) for t in await told(services, "partner.status_changed")] == [("pending", "active")]
    written = await letters(services, "usage_alert")
    assert [who for who, _ in written] == ["dev@acme.example"] * 2
    assert [body.partition(" calls")[0] for _, body in written] == [
        "Acme Homes has used 8 of its 10", "Acme Homes has used 10 of its 10",
    ]  # fmt: skip


async def test_of_another_limit_an_app_is_told_anew(services: Services) -> None:
    made = await make(services, new())
    await listening(services, made.id, "api.usage_alert")
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, monthly=10)
        await integrations.set_status(tx, made.id, "active", STAFF)

    async def ask(calls: int) -> list[object]:
        for _ in range(calls):
            integration_usage.spend(services, made.id, await integration_usage.admit(services, made.id), "GET /a")
        await integration_usage.flush(services)
        return [(t["percent"], t["limit"]) for t in await told(services, "api.usage_alert")]

    assert await ask(10) == [(80, 10), (100, 10)]
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, monthly=20)
    assert await ask(5) == [(80, 10), (100, 10)]
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, burst=50)
    assert await ask(1) == [(80, 10), (100, 10), (80, 20)]
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, burst=60, monthly=20)
    assert await ask(4) == [(80, 10), (100, 10), (80, 20), (100, 20)]


async def test_what_a_deleted_app_asked_for_is_written_down_and_told_to_nobody(services: Services) -> None:
    made, today = await make(services, new()), services.clock.now().date()
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, monthly=1)
    services.usage.count(made.id, services.clock.now(), "GET /a")
    async with services.transaction() as tx:
        await integrations.delete(tx, made.id, STAFF)
    assert (await integration_usage.of(services, made.id, today, today)).totals.total == 1
    assert await letters(services, "usage_alert") == []


async def test_an_app_is_told_no_second_time_when_the_log_is_gone(services: Services) -> None:
    made = await make(services, new())
    async with services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, monthly=10)
        await integrations.set_status(tx, made.id, "active", STAFF)
    await listening(services, made.id, "api.usage_alert")
    for calls in (8, 1, 1):
        for _ in range(calls):
            integration_usage.spend(services, made.id, await integration_usage.admit(services, made.id), "GET /a")
        await integration_usage.flush(services)
        async with services.transaction() as tx:
            await endpoints.delete_all(tx, Owner("integration", made.id), STAFF)
        await listening(services, made.id, "api.usage_alert")
    assert [t["percent"] for t in await told(services, "api.usage_alert")] == [80, 100]


async def test_whoever_reads_waits_for_what_is_being_written(services: Services) -> None:
    made, today = await make(services, new()), services.clock.now().date()
    services.usage.count(made.id, services.clock.now(), "GET /a")

    async with services.transaction() as tx:
        await tx.conn.execute("LOCK TABLE integration_usage IN EXCLUSIVE MODE")
        writing = asyncio.create_task(integration_usage.flush(services))
        await until_waiting(services, writing)
        services.usage.count(made.id, services.clock.now(), "GET /b")
        reading = asyncio.create_task(integration_usage.of(services, made.id, today, today))
    found = await reading
    await writing
    assert {r.route: r.requests for r in found.by_route} == {"GET /a": 1, "GET /b": 1}


async def test_two_nodes_add_to_one_count(services: Services) -> None:
    made = await make(services, new())
    day = services.clock.now().date()

    async def add() -> None:
        async with services.transaction() as tx:
            await usage_rows.add(
                tx.conn, ids=[made.id] * 2, days=[day] * 2, routes=["GET /b", "GET /a"], requests=[1, 2], refused=[0, 1]
            )

    await asyncio.gather(*(add() for _ in range(6)))
    async with services.read() as conn:
        totals = await usage_rows.totals(conn, id=made.id, today=day)
    assert totals is not None and (totals.total, totals.this_month, totals.refused) == (18, 18, 6)
