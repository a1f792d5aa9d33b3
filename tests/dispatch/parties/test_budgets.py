"""Budgets that two move at once: months that begin just now, and many months in one order."""

from __future__ import annotations

import asyncio
from datetime import date

from dispatch.parties import budgets
from dispatch.parties.budgets import BudgetExceeded, Rules
from dispatch.services import Services
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
