"""The plan that a provider pays the platform for: chosen, shown in the settings, paid for, left."""

from __future__ import annotations

from dispatch.billing import platform_plans
from tests.api.provider.conftest import Office
from tests.dispatch.billing.till import STAFF

BILL = {"invoice", "date", "plan", "amount", "currency"}


async def test_a_plan_is_chosen_paid_for_and_left(office: Office) -> None:
    async with office.world.services.transaction() as tx:
        await platform_plans.create(
            tx, STAFF, name="Team", currency="INR", monthly_minor=50_000, yearly_minor=500_000, features=["Ten people"]
        )
    owner = await office.owner()
    shown = (await owner.call("GET", "/settings/plans"))["data"]
    assert (shown["currentPlan"]["name"], shown["openBill"]) == ("Free", None)
    assert shown["plans"] == [{
        "name": "Team", "monthlyAmount": 50_000, "yearlyAmount": 500_000, "currency": "INR",
        "features": ["Ten people"], "isCurrent": False,
    }]  # fmt: skip
    answer = await owner.call("PUT", "/settings/plan", {"plan": "Golden"}, expect=400)
    assert answer["errors"].keys() == {"plan"}
    answer = await owner.call("PUT", "/settings/plan", {"plan": "team"})
    assert answer["message"] == "Plan updated successfully"
    bill = answer["data"]["openBill"]
    assert bill.keys() == BILL | {"status", "dueDate", "paymentLink"} and bill["status"] == "open"
    billing = (await owner.call("GET", "/settings"))["data"]["paymentBilling"]
    assert billing["currentPlan"].items() >= {"name": "Team", "amount": 50_000, "daysRemaining": 31}.items()
    assert [b.keys() for b in billing["billingHistory"]] == [BILL]
    paid = (await owner.call("POST", f"/settings/bills/{bill['invoice']}/pay"))["data"]
    assert paid["paymentLink"].startswith("http")
    paper, headers = await owner.file(f"/settings/bills/{bill['invoice']}/invoice")
    assert paper.startswith(b"%PDF-") and headers["Content-Type"] == "application/pdf"
    stranger = await office.owner()
    await stranger.call("POST", f"/settings/bills/{bill['invoice']}/pay", expect=404)
    staff = await office.member(owner, "Manager")
    await staff.call("DELETE", "/settings/plan", expect=403)
    left = (await owner.call("DELETE", "/settings/plan"))["data"]
    assert (left["currentPlan"]["name"], left["openBill"]) == ("Free", None), "nothing was paid for it yet"
    await owner.call("POST", f"/settings/bills/{bill['invoice']}/pay", expect=409)
    assert (await owner.call("GET", "/settings"))["data"]["paymentBilling"]["billingHistory"] == []
