"""Departments: who may see and change which, and what cannot be one."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

PATH = "/organization/departments"


async def test_a_department_is_made_seen_changed_and_closed(portal: Portal) -> None:
    leader = await portal.home.member("coordinator")
    body = {
        "name": "Engineering", "code": "ENG", "manager": {"userId": str(leader)},
        "budget": {"monthly": 25000.5, "currency": "INR"}, "allowedServices": ["Cleaning", "repairs"],
        "approvalRequired": True, "approvers": [str(leader)],
    }  # fmt: skip
    made = (await portal.call("POST", PATH, body, expect=201))["data"]["department"]
    assert (made["monthlyBudget"], made["stats"]["budgetRemaining"]) == (25000.5, 25000.5)
    assert made["allowedServices"] == ["cleaning", "repairs"] and made["approvers"] == [str(leader)]
    assert made["manager"]["email"].startswith("member")
    taken = await portal.call("POST", PATH, {"name": "Other", "code": "eng"}, expect=409)
    assert taken["message"] == "There is a department with this code already."
    changed = await portal.call("PUT", f"{PATH}/{made['id']}", {"name": "Engineers", "code": "ENG"})
    assert changed["data"]["department"]["monthlyBudget"] == 25000.5
    listed = (await portal.call("GET", PATH))["data"]["departments"]
    assert [d["name"] for d in listed if d["id"] == made["id"]] == ["Engineers"]
    member = await portal.home.member(department_id=made["id"])
    assert (await portal.call("DELETE", f"{PATH}/{made['id']}", expect=409))["error"]["code"] == "DEPARTMENT_IN_USE"
    await portal.call("DELETE", f"/users/{member}")
    await portal.call("DELETE", f"{PATH}/{made['id']}")
    await portal.call("GET", f"{PATH}/{made['id']}", expect=404)


async def test_departments_made_at_once_wait_for_one_another(portal: Portal) -> None:
    """Each brings a budget, which is a row's of its organisation: nobody is refused, and none is lost."""
    bodies = [
        {"name": f"At once {n}", "code": f"ONCE{n}", "budget": {"monthly": 10, "currency": "INR"}} for n in range(6)
    ]
    made = await asyncio.gather(*(portal.call("POST", PATH, body, expect=201) for body in bodies))
    assert len({one["data"]["department"]["id"] for one in made}) == 6


async def test_what_cannot_be_a_department(portal: Portal) -> None:
    other = await add_organisation(portal.services)
    foreign = await other.department("Theirs")
    for people in ({"manager": {"userId": str(other.owner_id)}}, {"approvers": [str(other.owner_id)]}):
        refused = await portal.call("POST", PATH, {"name": "X", "code": "X", **people}, expect=404)
        assert refused["message"] == "There is no such user."
    for method, body in (("GET", None), ("PUT", {"name": "X", "code": "X"}), ("DELETE", None)):
        for missing in (foreign.id, uuid4()):
            refused = await portal.call(method, f"{PATH}/{missing}", body, expect=404)
            assert refused["message"] == "There is no such department."
    bad = {"name": " ", "code": "X" * 40, "budget": {"monthly": -1}, "approvers": ["me"]}
    refused = await portal.call("POST", PATH, bad, expect=422)
    assert set(refused["error"]["details"]) == {"name", "code", "budget.monthly", "approvers.0"}
    refused = await portal.call("POST", PATH, {"name": "X", "code": "X", "approvalRequired": True}, expect=422)
    assert set(refused["error"]["details"]) == {"approvers"}
    dollars = {"name": "X", "code": "X", "budget": {"monthly": 1, "currency": "USD"}}
    assert set((await portal.call("POST", PATH, dollars, expect=422))["error"]["details"]) == {"budget.currency"}


async def test_a_manager_sees_their_own_department_only(portal: Portal) -> None:
    mine, other = await portal.home.department("Mine"), await portal.home.department("Others")
    manager = portal.home.headers(await portal.home.member("manager", department_id=mine.id))
    listed = (await portal.call("GET", PATH, headers=manager))["data"]["departments"]
    assert [d["name"] for d in listed] == ["Mine"]
    refused = await portal.call("GET", f"{PATH}/{other.id}", headers=manager, expect=403)
    assert refused["error"]["code"] == "OUT_OF_REACH"
    await portal.call("POST", PATH, {"name": "New", "code": "NEW"}, headers=manager, expect=403)
    without = portal.home.headers(await portal.home.member("manager"))
    assert (await portal.call("GET", PATH, headers=without))["data"]["departments"] == []
    assert (await portal.call("GET", "/users", headers=without))["data"]["users"] == []
