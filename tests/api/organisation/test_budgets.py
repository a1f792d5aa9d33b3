"""Budgets over HTTP: allotted by department, reserved and spent, never passed where they forbid it."""

from __future__ import annotations

import asyncio
from datetime import date

from dispatch.parties import budgets
from tests.api.organisation.conftest import Office, today
from tests.organisations import add_organisation


async def test_budgets_are_allotted_by_department(office: Office) -> None:
    firm = await add_organisation(office.services)
    ids = {name: str((await firm.department(name)).id) for name in ("Engineering", "Sales")}
    body = {
        "period": {"type": "monthly", "startDate": today(office).isoformat()},
        "allocations": [
            {"department": ids["Engineering"], "amount": 30000, "services": ["cleaning"]},
            {"department": ids["Sales"], "amount": 20000, "services": ["all"]}, {"amount": 60000.5},
        ],
        "rules": {"allowOverspend": False, "alertThreshold": 80, "requireApprovalAbove": 5000},
    }  # fmt: skip
    path = "/finance/budget-allocation"
    made = (await office.call("POST", path, body, headers=firm.headers(), expect=201))["data"]
    found = {a["departmentName"]: a for a in made["allocations"]}
    assert (found["Engineering"]["amount"], found["Engineering"]["services"]) == (30000, ["cleaning"])
    assert (found[None]["amount"], found[None]["allowOverspend"], found[None]["alertThreshold"]) == (60000.5, False, 80)
    assert found["Sales"]["requireApprovalAbove"] == 5000
    other = await add_organisation(office.services)
    foreign = {**body, "allocations": [{"department": str((await other.department("X")).id), "amount": 1}]}
    await office.call("POST", path, foreign, headers=firm.headers(), expect=404)
    twice = {**body, "allocations": [{"amount": 1}, {"amount": 2}]}
    refused = await office.call("POST", path, twice, headers=firm.headers(), expect=422)
    assert set(refused["error"]["details"]) == {"allocations"}
    bad = {"period": {"type": "weekly", "startDate": "x"}, "allocations": [{"amount": -1}]}
    refused = await office.call("POST", path, bad, headers=firm.headers(), expect=422)
    assert set(refused["error"]["details"]) == {"period.type", "period.startDate", "allocations.0.amount"}


async def test_parallel_requests_never_pass_a_budget_that_forbids_it(office: Office) -> None:
    home = await add_organisation(office.services)
    department = await home.department("Tight", code="TGT")
    today = office.world.now.date()
    async with office.services.transaction() as tx:
        await budgets.allocate(
            tx, home.id, department.id, today, 3 * 70_800, rules=budgets.Rules(allow_overspend=False), set_by="a test"
        )
    week = {"startDate": f"{today.year}-02-03", "endDate": f"{today.year}-02-03", "days": ["tuesday"]}

    async def one() -> int:
        wish = office.wish(floors=1, schedule=week, billing={"department": str(department.id)})
        async with office.client.post("/api/partners/bookings/bulk", json=wish, headers=home.headers()) as reply:
            if reply.status != 201:
                assert (await reply.json())["error"]["code"] == "BUDGET_EXCEEDED"
            return reply.status

    statuses = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(statuses) == [201] * 3 + [409] * 3
    assert await office.standing(home, department.id, date(today.year, 2, 1)) == (3 * 70_800, 0)
    # At three quarters somebody is written to, once.
    told = "SELECT count(*) FROM outbox WHERE template = 'budget_warning' AND body LIKE '%Tight%'"
    assert await office.world.value(told) == 1


async def test_a_budget_is_for_the_services_that_it_is_allotted_for(office: Office) -> None:
    home = await add_organisation(office.services)
    department = await home.department("Picky", code="PCK")
    billing = {"department": str(department.id)}

    async def allot(services: list[str], start: str, whose: str | None) -> None:
        one = {"amount": 100000, "services": services} | ({"department": whose} if whose else {})
        body = {"period": {"type": "monthly", "startDate": start}, "allocations": [one]}
        await office.call("POST", "/finance/budget-allocation", body, headers=home.headers(), expect=201)

    await allot(["Gardening"], "2026-02-01", str(department.id))
    await allot(["Cleaning", "gardening"], "2026-03-01", str(department.id))
    for start, end, status in (
        ("2026-01-13", "2026-01-31", 201), ("2026-01-13", "2026-02-28", 409), ("2026-03-02", "2026-04-03", 201),
    ):  # fmt: skip
        answer = await office.book(
            home, floors=1, schedule={"startDate": start, "endDate": end}, billing=billing, expect=status
        )
        assert status == 201 or answer["error"]["code"] == "BUDGET_FOR_OTHERS"
    # What is allotted to the whole organisation holds for everybody.
    await allot(["all"], "2026-02-01", str(department.id))
    await allot(["gardening"], "2026-02-01", None)
    week = {"startDate": "2026-02-02", "endDate": "2026-02-06"}
    for wish in ({"billing": billing}, {}):
        refused = await office.book(home, floors=1, schedule=week, expect=409, **wish)
        assert refused["error"]["code"] == "BUDGET_FOR_OTHERS"
