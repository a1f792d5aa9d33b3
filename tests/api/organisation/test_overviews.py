"""How an organisation stands: counts by department, the month's budget, and when it warns."""

from __future__ import annotations

from dispatch.parties import budgets
from dispatch.parties.budgets import Rules
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation


async def test_an_overview_counts_and_warns(portal: Portal) -> None:
    home = await add_organisation(portal.services, budget_minor=100_000_00)
    place = await home.department("Engineering", budget_minor=1000_00)
    await home.member(department_id=place.id)
    shown = (await portal.call("GET", "/organization/overview", headers=home.headers()))["data"]["overview"]
    assert shown["users"] == {"total": 2, "active": 2, "pending": 0, "byDepartment": {"Engineering": 1}}
    assert shown["budget"] == {"monthly": 100000, "spent": 0, "remaining": 100000, "utilization": 0}
    assert shown["alerts"] == [] and shown["services"]["totalBookings"] == 0
    today = portal.services.clock.now().date()
    async with portal.services.transaction() as tx:
        await tx.conn.execute(
            "INSERT INTO budget_months (organisation_id, department_id, month, amount_minor, spent_minor)"
            " VALUES ($1, NULL, $3, 10000000, 7845600), ($1, $2, $3, 100000, 100000)",
            home.id, place.id, budgets.month_of(today),
        )  # fmt: skip
    shown = (await portal.call("GET", "/organization/overview", headers=home.headers()))["data"]["overview"]
    assert shown["budget"] == {"monthly": 100000, "spent": 78456, "remaining": 21544, "utilization": 78.5}
    warnings = {a["message"]: a["priority"] for a in shown["alerts"]}
    assert warnings == {
        "Budget utilization at 78.5%": "medium", "Budget utilization of Engineering at 100.0%": "high",
    }  # fmt: skip
    # A rule of their own moves the threshold.
    async with portal.services.transaction() as tx:
        await budgets.allocate(tx, home.id, None, today, 100_000_00, rules=Rules(True, 80), set_by="a test")  # type: ignore[arg-type]
    manager = home.headers(await home.member("manager", department_id=place.id))
    shown = (await portal.call("GET", "/organization/overview", headers=home.headers()))["data"]["overview"]
    assert [a["priority"] for a in shown["alerts"]] == ["high"]
    theirs = (await portal.call("GET", "/organization/overview", headers=manager))["data"]["overview"]
    assert theirs["budget"]["monthly"] == 1000 and list(theirs["users"]["byDepartment"]) == ["Engineering"]


async def test_a_closed_department_has_no_budget_any_more(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    stays = await home.department("Sales", budget_minor=300_00)
    closed = await home.department("Works", budget_minor=1000_00)
    today = portal.services.clock.now().date()
    async with portal.services.transaction() as tx:
        await budgets.reserve(tx, home.id, closed.id, {budgets.month_of(today): 900_00}, ["cleaning"])
    await portal.call("DELETE", f"/organization/departments/{closed.id}", headers=home.headers())
    shown = (await portal.call("GET", "/organization/overview", headers=home.headers()))["data"]["overview"]
    assert shown["alerts"] == []
    money = (await portal.call("GET", "/finance/overview", headers=home.headers()))["data"]["overview"]
    allotted = (await portal.call("GET", "/finance/budget-allocation", headers=home.headers()))["data"]["allocations"]
    assert [one["department"] for one in allotted] == [str(stays.id)]
    # The organisation's own account has what was spent, its departments' allotments only what they may still spend.
    async with portal.services.read() as conn:
        standing = await budgets.standing(conn, home.id, today)
    assert (standing[closed.id].amount_minor, standing[closed.id].reserved_minor) == (None, 900_00)
    assert (shown["budget"]["monthly"], money["monthlyBudget"]) == (300, 300)
