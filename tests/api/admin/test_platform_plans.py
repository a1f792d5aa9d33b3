"""What providers can pay the platform for, as staff keep it."""

from __future__ import annotations

from uuid import uuid4

from dispatch.billing import platform_bills
from tests.api.admin.counter import Counter
from tests.providers import add_provider

PATH = "/provider-plans"
PLAN = {"name": "Office", "currency": "inr", "monthly_price": 499.5, "yearly_price": 4995, "features": ["Ten people"]}


async def test_a_plan_is_made_changed_and_taken_off_the_list(counter: Counter) -> None:
    made = await counter.ask("POST", PATH, PLAN, expect=201)
    assert made.items() >= {"currency": "INR", "monthly_price": 499.5, "is_active": True}.items()
    path = f"{PATH}/{made['id']}"
    await counter.ask("POST", PATH, {**PLAN, "name": "OFFICE"}, expect=409)
    changed = await counter.ask("PATCH", path, {"monthly_price": 599})
    assert (changed["monthly_price"], changed["yearly_price"]) == (599, 4995)
    assert await counter.audited("update_platform_plan") == {"monthly_minor": {"old": 49_950, "new": 59_900}}
    owned = await add_provider(counter.world.services)
    async with counter.world.services.transaction() as tx:
        await platform_bills.choose(tx, owned.id, "Office")
    await counter.ask("DELETE", path)
    listed = {plan["id"]: plan["is_active"] for plan in await counter.ask("GET", PATH)}
    assert listed[made["id"]] is False, "somebody has it"
    other = await counter.ask("POST", PATH, {**PLAN, "name": "Nobody's"}, expect=201)
    await counter.ask("PATCH", f"{PATH}/{other['id']}", {"name": "Office"}, expect=409)
    await counter.ask("DELETE", f"{PATH}/{other['id']}")
    assert other["id"] not in [plan["id"] for plan in await counter.ask("GET", PATH)]


async def test_what_a_plan_may_not_be(counter: Counter) -> None:
    for wrong in ({"name": "Free"}, {"currency": "rupees"}, {"monthly_price": 0.5}, {"yearly_price": -1}):
        answer = await counter.ask("POST", PATH, {**PLAN, **wrong}, expect=422)
        assert answer["error"]["details"].keys() == wrong.keys()
    await counter.ask("PATCH", f"{PATH}/{uuid4()}", {"monthly_price": 599}, expect=404)
    await counter.ask("DELETE", f"{PATH}/{uuid4()}", expect=404)
    support = await counter.role("support")
    assert (await support.call("GET", f"/admin{PATH}"))[0] == 200
    assert (await support.call("POST", f"/admin{PATH}", PLAN))[0] == 403
