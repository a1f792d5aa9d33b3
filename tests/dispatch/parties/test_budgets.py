"""Budgets: the newest allotment holds, a warning comes once; two that move them at once go in one order."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from dispatch.parties import budgets, members
from dispatch.parties.budgets import BudgetExceeded, Rules, Standing
from dispatch.services import Services
from storage.departments import Department
from tests import turns
from tests.organisations import Home, add_organisation
from tests.turns import Work, one_after_the_other

MONTHS = [date(2026, month, 1) for month in range(1, 5)]


def allotting(home: Home, amount_minor: int) -> Work:
    rules = Rules(allow_overspend=False)
    return lambda tx: budgets.allocate(tx, home.id, None, MONTHS[0], amount_minor, rules=rules, set_by="a test")


def reserving(home: Home, amounts: dict[date, int]) -> Work:
    return lambda tx: budgets.reserve(tx, home.id, None, amounts, ["facial"])


async def test_a_month_that_is_opened_while_its_budget_is_set_has_the_new_one(services: Services) -> None:
    home = await add_organisation(services)
    async with services.transaction() as tx:
        await allotting(home, 1000)(tx)
    _, refused = await one_after_the_other(services, allotting(home, 300), reserving(home, {MONTHS[0]: 400}))
    assert isinstance(refused, BudgetExceeded)
    await one_after_the_other(services, reserving(home, {MONTHS[1]: 100}), allotting(home, 200))
    async with services.read() as conn:
        stands = (await budgets.standing(conn, home.id, MONTHS[1]))[None]
    assert (stands.amount_minor, stands.reserved_minor) == (200, 100)


async def test_who_moves_many_months_holds_none_of_them_while_it_waits_for_the_first(services: Services) -> None:
    home = await add_organisation(services)
    async with services.transaction() as tx:
        await allotting(home, 1000)(tx)
        for month in reversed(MONTHS):
            await reserving(home, {month: 111})(tx)
    before = await turns.deadlocks(services)

    async def all_of_them() -> None:
        async with services.transaction() as tx:
            # The rows are read as they lie, the last month first; in which order they are held is not up to that.
            await tx.conn.execute("SET LOCAL enable_nestloop = off")
            await budgets.release(tx, home.id, None, dict.fromkeys(MONTHS, 10))

    async with services.transaction() as tx:
        await budgets.release(tx, home.id, None, {MONTHS[0]: 100})
        task = asyncio.create_task(all_of_them())
        await turns.until_waiting(services, task)
        await budgets.release(tx, home.id, None, dict.fromkeys(MONTHS[1:], 100))
    await task
    assert await turns.deadlocks(services) == before
    async with services.read() as conn:
        stand = [(await budgets.standing(conn, home.id, month))[None].reserved_minor for month in MONTHS]
    assert stand == [1] * len(MONTHS)


async def allocate(home: Home, place: Department, minor: int, starts_on: date = MONTHS[0]) -> None:
    async with home.services.transaction() as tx:
        await budgets.allocate(tx, home.id, place.id, starts_on, minor, rules=Rules(), set_by="a test")


async def reserve(home: Home, place: Department, minor: int) -> None:
    async with home.services.transaction() as tx:
        await budgets.reserve(tx, home.id, place.id, {MONTHS[0]: minor}, ["cleaning"])


async def warned(home: Home) -> list[str]:
    """Who was written to, in the order of the letters."""
    async with home.services.read() as conn:
        found = await conn.fetch("SELECT recipient FROM outbox WHERE template = 'budget_warning' ORDER BY id")
    return [row["recipient"] for row in found]


async def test_who_answers_for_a_budget_is_warned_once_and_again_when_it_is_allotted_anew(services: Services) -> None:
    home = await add_organisation(services)
    place = await home.department("Engineering", manager_email="lead@example.com")
    async with services.read() as conn:
        registered = await conn.fetchval("SELECT registered_email FROM organisations WHERE id = $1", home.id)
    await allocate(home, place, 10_000)
    await reserve(home, place, 7_499)
    assert await warned(home) == []
    await reserve(home, place, 1)
    whom = sorted(["lead@example.com", registered])
    assert sorted(await warned(home)) == whom
    await reserve(home, place, 1)
    assert sorted(await warned(home)) == whom, "once a month"
    await allocate(home, place, 20_000)
    await reserve(home, place, 7_498)
    assert sorted(await warned(home)) == whom
    await reserve(home, place, 1)
    assert sorted(await warned(home)) == sorted(whom * 2)


async def test_a_manager_who_is_gone_is_not_warned(services: Services) -> None:
    home = await add_organisation(services)
    lead = await home.member("manager")
    place = await home.department("Engineering", manager_id=lead)
    await allocate(home, place, 10_000)
    async with services.transaction() as tx:
        await members.set_status(tx, home.by, lead, "removed")
    await reserve(home, place, 9_000)
    async with services.read() as conn:
        registered = await conn.fetchval("SELECT registered_email FROM organisations WHERE id = $1", home.id)
    assert await warned(home) == [registered]


async def test_the_newest_allotment_that_has_begun_holds(services: Services) -> None:
    home = await add_organisation(services)
    place = await home.department("Engineering")
    for starts_on, minor in ((date(2026, 2, 1), 3), (date(2025, 11, 1), 1), (date(2026, 1, 1), 2)):
        await allocate(home, place, minor, starts_on)
    async with services.read() as conn:
        held = [
            (await budgets.in_force(conn, home.id, date(2026, month, 20)))[place.id].amount_minor for month in (1, 2, 3)
        ]
        assert (await budgets.in_force(conn, home.id, date(2025, 12, 31)))[place.id].amount_minor == 1
        assert place.id not in await budgets.in_force(conn, home.id, date(2025, 10, 31))
    assert held == [2, 3, 3]


@pytest.mark.parametrize(("used", "is_warned"), [(74_999, False), (75_000, True), (75_001, True)])
def test_the_warning_is_exact(used: int, is_warned: bool) -> None:
    """What is shown to a tenth is not what is compared."""
    standing = Standing(None, 100_000, used, 0, Decimal(75))
    assert (standing.utilization_pct, standing.is_warned) == (75.0, is_warned)
