"""Plans of a provider: made, changed, taken off the list, deleted only while nobody has had one."""

from __future__ import annotations

from tests.api.provider.conftest import Office
from tests.api.provider.test_subscriptions import GOLD, subscribed, with_plan


async def test_plans(office: Office) -> None:
    owner, customer = await with_plan(office)
    await owner.call("POST", "/subscriptions/plans", {**GOLD, "name": "gold"}, expect=409)
    silver = (await owner.call("POST", "/subscriptions/plans", {**GOLD, "name": "Silver"}, expect=201))["data"]
    changed = await owner.call("PUT", f"/subscriptions/plans/{silver['id']}", {"amount": 100_000, "duration": 7})
    assert changed["data"].items() >= {"amount": 100_000, "duration": 7, "isActive": True}.items()
    await subscribed(owner, customer)
    plans = (await owner.call("GET", "/subscriptions/plans"))["data"]["plans"]
    assert [p["name"] for p in plans] == ["Silver", "Gold"]
    gold = plans[1]
    assert (await owner.call("DELETE", f"/subscriptions/plans/{gold['id']}"))["data"]["isDeleted"] is False
    assert (await owner.call("DELETE", f"/subscriptions/plans/{silver['id']}"))["data"]["isDeleted"] is True
    left = (await owner.call("GET", "/subscriptions/plans"))["data"]["plans"]
    assert [(p["name"], p["isActive"]) for p in left] == [("Gold", False)]
    await owner.call("POST", "/subscriptions", {"customerId": customer, "planName": "Gold"}, expect=400)
