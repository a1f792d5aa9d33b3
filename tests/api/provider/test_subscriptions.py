"""Subscriptions: begun, paid, changed, reminded of, renewed by the clock, cancelled with what is left of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from dispatch.billing import ledger_check, renewals
from tests.api.provider.conftest import Office, Teammate
from tests.providers import add_customer

GOLD = {"name": "Gold", "type": "premium", "amount": 300_000, "duration": 30, "features": ["Two visits"]}


async def with_plan(office: Office, **values: Any) -> tuple[Teammate, str]:
    """An owner with a plan, and a customer's id."""
    owner = await office.owner(**values)
    await owner.call("POST", "/subscriptions/plans", GOLD, expect=201)
    customer = await add_customer(office.world.services, owner.owned, "Ann Ade")
    return owner, str(customer.id)


async def subscribed(owner: Teammate, customer: str, **more: Any) -> dict[str, Any]:
    body = {"customerId": customer, "planName": "Gold", **more}
    return dict((await owner.call("POST", "/subscriptions", body, expect=201))["data"])


async def pay(office: Office, subscription: dict[str, Any]) -> None:
    """The newest request for it is paid at its page."""
    order_id = await office.world.value(
        "SELECT p.gateway_order_id FROM payments p JOIN payment_requests q ON q.payment_id = p.id "
        "WHERE q.purpose_id = $1::text::uuid AND q.status = 'pending'", subscription["_id"],
    )  # fmt: skip
    await office.till.gw.pay(order_id)
    await office.till.drain()


async def test_what_a_subscription_may_not_be_is_told_in_the_contracts_words(office: Office) -> None:
    owner, customer = await with_plan(office)
    bad = {
        "customerId": "11111111-1111-4111-8111-111111111111", "planName": "Platinum", "startDate": "2026-02-01",
        "endDate": "2026-01-01",
    }  # fmt: skip
    answer = await owner.call("POST", "/subscriptions", bad, expect=400)
    assert answer["error"]["details"] == {
        "customerId": ["Customer not found"], "planName": ["Invalid plan name"],
        "endDate": ["End date must be after start date"],
    }  # fmt: skip
    made = await subscribed(owner, customer)
    answer = await owner.call("PUT", f"/subscriptions/{made['_id']}", {"endDate": "2025-01-01"}, expect=400)
    assert answer["errors"] == {"endDate": ["End date must be after start date"]}
    stranger = await office.owner()
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/cancel")):
        await stranger.call(method, f"/subscriptions/{made['_id']}{path}", {}, expect=404)


async def test_without_dates_it_begins_now_and_its_amount_is_asked_for(office: Office) -> None:
    owner, customer = await with_plan(office)
    made = await subscribed(owner, customer, autoRenew=True, notes="Calls before")
    assert made.items() >= {
        "planName": "Gold", "planType": "premium", "amount": 300_000, "status": "active", "derivedStatusKey": "new",
        "derivedStatusLabel": "New", "autoRenew": True, "renewalReminderSent": False,
    }.items()  # fmt: skip
    assert made["userId"]["name"] == "Ann Ade" and made["transactionReference"].startswith("PAY-")
    await pay(office, made)
    detail = (await owner.call("GET", f"/subscriptions/{made['_id']}"))["data"]
    assert [(p["amount"], p["status"]) for p in detail["paymentHistory"]] == [(300_000, "settled")]
    assert (await owner.call("GET", "/wallet/balance"))["data"]["availableBalance"] == 300_000
    assert detail["expiryDate"] > detail["startDate"]


@pytest.mark.parametrize(("query", "expected"), [
    ("sortBy=startDate&sortOrder=asc", ["old", "ending", "running", "fresh"]), ("status=expired", ["old"]),
    ("status[]=new&status[]=active&sortBy=startDate&sortOrder=asc", ["running", "fresh"]),
    ("search=ann&limit=1&sortBy=endDate", ["old"]),
    ("status=Expiring Soon", ["ending"]), ("plan=Gold&startDate=2026-01-05", ["fresh"]),
    ("plan=None", []), ("endDate=2026-01-04", ["old"]),
    ("sortBy=memberName&sortOrder=desc&status=new", ["fresh"]), ("sortBy=status&status=expired,new", ["old", "fresh"]),
])  # fmt: skip
async def test_every_filter_and_sort(shelf: Teammate, query: str, expected: list[str]) -> None:
    found = (await shelf.call("GET", f"/subscriptions?{query}"))["data"]
    assert found["items"] == found["subscribers"]
    assert sorted(s["notes"] for s in found["subscribers"]) == sorted(expected)
    if "sortBy=startDate" in query:
        assert [s["notes"] for s in found["subscribers"]] == expected
    assert found["summary"].items() >= {
        "totalSubscriptions": 4, "activeCount": 3, "expiringSoonCount": 1, "expiredCount": 1,
        "availablePlans": ["Gold"],
    }.items()  # fmt: skip


@pytest.fixture(scope="module")
async def shelf(office: Office) -> Teammate:
    owner, customer = await with_plan(office)
    for notes, start, end in (
        ("old", "2025-11-01", "2025-12-01"), ("ending", "2025-12-01", "2026-01-08"),
        ("running", "2025-12-20", "2026-06-01"), ("fresh", "2026-01-05", "2026-06-05"),
    ):  # fmt: skip
        await subscribed(owner, customer, startDate=start, endDate=end, amount=0, notes=notes)
    return owner


async def test_cancelled_with_what_is_left_of_it(office: Office) -> None:
    owner, customer = await with_plan(office)
    today = office.world.now.date().isoformat()
    made = await subscribed(owner, customer, startDate=today)
    await pay(office, made)
    await owner.call("PUT", f"/subscriptions/{made['_id']}", {"startDate": "2025-12-21", "endDate": "2026-01-20"})
    done = (await owner.call("DELETE", f"/subscriptions/{made['_id']}?refund=true"))["data"]
    assert done["status"] == "cancelled" and 140_000 < done["refundAmount"] < 150_000, "half of it is over"
    again = (await owner.call("POST", f"/subscriptions/{made['_id']}/cancel", {"refund": True}))["data"]
    assert again["refundAmount"] == done["refundAmount"]
    await office.till.drain()
    wallet = (await owner.call("GET", "/wallet/balance"))["data"]
    assert wallet["availableBalance"] == 300_000 - done["refundAmount"]
    await owner.call("PUT", f"/subscriptions/{made['_id']}", {"notes": "x"}, expect=409)
    async with office.world.services.read() as conn:
        assert await ledger_check.check(conn) == []


YEAR = {**GOLD, "name": "Year", "amount": 3_650_000, "duration": 365}


async def plan_id(owner: Teammate, name: str) -> str:
    plans = (await owner.call("GET", "/subscriptions/plans"))["data"]["plans"]
    return str(next(plan["id"] for plan in plans if plan["name"] == name))


async def test_a_plan_that_changes_changes_nothing_of_what_runs(office: Office) -> None:
    owner, customer = await with_plan(office)
    await owner.call("POST", "/subscriptions/plans", YEAR, expect=201)
    one, other = [await subscribed(owner, customer, planName="Year", autoRenew=True) for _ in range(2)]
    await pay(office, one)
    await pay(office, other)
    await office.world.advance(days=292)
    changed = {"duration": 30, "amount": 100_000}
    await owner.call("PUT", f"/subscriptions/plans/{await plan_id(owner, 'Year')}", changed)
    done = (await owner.call("DELETE", f"/subscriptions/{other['_id']}?refund=true"))["data"]
    assert 725_000 < done["refundAmount"] <= 730_000, "a fifth of the year is left"
    await office.world.advance(days=71)
    assert (await renewals.turn(office.world.services))["asked"] == 1
    await office.till.drain()
    await pay(office, one)
    detail = (await owner.call("GET", f"/subscriptions/{one['_id']}"))["data"]
    assert [p["amount"] for p in detail["paymentHistory"]] == [3_650_000] * 2
    gained = datetime.fromisoformat(detail["expiryDate"]) - datetime.fromisoformat(one["expiryDate"])
    assert gained.days == 365


async def test_an_end_that_is_put_off_makes_nothing_refundable_that_is_used_up(office: Office) -> None:
    owner, customer = await with_plan(office)
    made = await subscribed(owner, customer)
    await pay(office, made)
    await office.world.advance(days=24)
    later = datetime.fromisoformat(made["expiryDate"]) + timedelta(days=14)
    await owner.call("PUT", f"/subscriptions/{made['_id']}", {"endDate": later.isoformat()})
    done = (await owner.call("DELETE", f"/subscriptions/{made['_id']}?refund=true"))["data"]
    assert 59_000 < done["refundAmount"] <= 60_000, "six days of thirty"


async def test_another_plan_comes_with_its_amount_and_its_days(office: Office) -> None:
    owner, customer = await with_plan(office)
    await owner.call("POST", "/subscriptions/plans", YEAR, expect=201)
    await owner.call("POST", "/subscriptions/plans", {**YEAR, "name": "Abroad", "currency": "EUR"}, expect=201)
    made = await subscribed(owner, customer, amount=200_000, autoRenew=True)
    await pay(office, made)
    same = (await owner.call("PUT", f"/subscriptions/{made['_id']}", {"planName": "Gold"}))["data"]
    assert same["amount"] == 200_000, "it is the plan that it has"
    bad = await owner.call("PUT", f"/subscriptions/{made['_id']}", {"planName": "Abroad"}, expect=400)
    assert bad["error"]["details"].keys() == {"amount"}
    moved = (await owner.call("PUT", f"/subscriptions/{made['_id']}", {"planName": "Year"}))["data"]
    assert (moved["amount"], moved["expiryDate"]) == (3_650_000, made["expiryDate"])
    await office.world.advance(days=28)
    await renewals.turn(office.world.services)
    await office.till.drain()
    await pay(office, made)
    shown = (await owner.call("GET", f"/subscriptions/{made['_id']}"))["data"]
    gained = datetime.fromisoformat(shown["expiryDate"]) - datetime.fromisoformat(made["expiryDate"])
    assert gained.days == 365 and shown["paymentHistory"][0]["amount"] == 3_650_000


async def test_several_at_once(office: Office) -> None:
    owner, customer = await with_plan(office)
    made = [(await subscribed(owner, customer, amount=0))["_id"] for _ in range(2)]
    body = {"action": "cancel", "subscriptionIds": [*made, "11111111-1111-4111-8111-111111111111"]}
    done = (await owner.call("POST", "/subscriptions/bulk", body))["data"]
    assert (done["done"], done["failed"]) == (2, 1)


async def test_reminders_by_hand(office: Office) -> None:
    owner, customer = await with_plan(office)
    made = await subscribed(owner, customer, amount=0)
    body = {"subscriptionIds": [made["_id"]], "reminderType": "expiring"}
    answer = await owner.call("POST", "/subscriptions/reminders/send", body)
    assert answer["data"].items() >= {"subscriptionCount": 1, "sentCount": 1, "failedCount": 0}.items()
    own = {**body, "reminderType": "individual", "title": "Hello", "customMessage": "See you soon"}
    await owner.call("POST", "/subscriptions/reminders/send", own)
    history = (await owner.call("GET", "/notifications/history?type=reminder"))["data"]["notifications"]
    assert {n["message"] for n in history} >= {"See you soon"} and len(history) == 2
    assert "Gold" in next(n["message"] for n in history if n["title"] != "Hello")
    assert (await owner.call("GET", f"/subscriptions/{made['_id']}"))["data"]["renewalReminderSent"] is True
    foreign = {**body, "subscriptionIds": ["11111111-1111-4111-8111-111111111111"]}
    await owner.call("POST", "/subscriptions/reminders/send", foreign, expect=400)


async def test_the_clock_reminds_once_asks_for_the_next_period_and_ends_what_nobody_paid_for(office: Office) -> None:
    owner, customer = await with_plan(office)
    services, world = office.world.services, office.world
    kept = await subscribed(owner, customer, autoRenew=True)
    await pay(office, kept)
    dropped = await subscribed(owner, customer, autoRenew=True, amount=500_000)
    await world.advance(days=28)
    first, second = await renewals.turn(services), await renewals.turn(services)
    assert first["asked"] >= 2 and first["reminded"] >= 2 and second == {"reminded": 0, "asked": 0, "ended": 0}
    await office.till.drain()
    await pay(office, kept)
    await world.advance(days=3)
    await renewals.turn(services)

    async def shown(one: dict[str, Any]) -> dict[str, Any]:
        return dict((await owner.call("GET", f"/subscriptions/{one['_id']}"))["data"])

    assert (await shown(kept))["derivedStatus"] == "active" and (await shown(dropped))["status"] == "expired"
    assert (await shown(kept))["expiryDate"] > kept["expiryDate"]
