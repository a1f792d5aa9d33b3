"""Asking customers for money: the page to pay at, what happens when it is paid, and what when it is not wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from api.provider.payment_requests import LIST
from dispatch.billing import ledger_check, refunds
from tests.api.provider.conftest import Office, Teammate
from tests.providers import add_customer


async def asked(office: Office, owner: Teammate, minor: int = 150_000, **more: Any) -> dict[str, Any]:
    """A request of a new customer, as the list shows it."""
    customer = await add_customer(office.world.services, owner.owned)
    body = {"customerId": str(customer.id), "amount": minor, "paymentMethod": "link", "description": "A visit", **more}
    made = (await owner.call("POST", "/transactions/payment-request", body, expect=201))["data"]
    return dict((await owner.call("GET", f"/transactions/payment-requests/{made['_id']}"))["data"])


async def pay(office: Office, request: dict[str, Any], *, then: Callable[[], Awaitable[Any]] | None = None) -> None:
    """Whoever was asked pays at the page; `then` happens before the gateway's word of it is worked on."""
    order_id = await office.world.value(
        "SELECT p.gateway_order_id FROM payments p JOIN payment_requests q ON q.payment_id = p.id "
        "WHERE q.id = $1::text::uuid", request["_id"],
    )  # fmt: skip
    await office.till.gw.pay(order_id)
    if then is not None:
        await then()
    await office.till.drain()


async def available(owner: Teammate) -> int:
    return int((await owner.call("GET", "/wallet/balance"))["data"]["availableBalance"])


async def test_a_paid_request_is_the_providers_money(office: Office) -> None:
    owner = await office.owner()
    request = await asked(office, owner)
    assert request["status"] == "pending" and request["paymentLink"]["url"].startswith("http")
    assert request["paymentLink"]["checkoutEndpoint"].endswith(f"/public/{request['paymentLink']['code']}/checkout")
    listed = (await owner.call("GET", "/transactions?status=pending"))["data"]
    assert [t["reference"] for t in listed["transactions"]] == [request["reference"]]
    assert await available(owner) == 0
    await pay(office, request)
    paid = (await owner.call("GET", f"/transactions/payment-requests/{request['_id']}"))["data"]
    assert paid["status"] == "paid" and paid["paidAt"] and paid["paymentLink"] is None
    line = (await owner.call("GET", f"/transactions/{request['transactionId']}"))["data"]
    assert (line["status"], line["uiStatus"], line["category"]) == ("settled", "Settled", "payment_received")
    assert await available(owner) == 150_000
    await owner.call("POST", f"/transactions/payment-requests/{request['_id']}/cancel", expect=409)
    await owner.call("PATCH", f"/transactions/payment-requests/{request['_id']}", {"amount": 5000}, expect=409)


async def test_the_contracts_answer(office: Office) -> None:
    owner = await office.owner()
    customer = await add_customer(office.world.services, owner.owned)
    body = {
        "customerId": str(customer.account_id), "amount": 150_000, "currency": "INR", "paymentMethod": "wallet",
        "description": "", "dueDate": "2026-02-01", "metadata": {"visit": 7},
    }  # fmt: skip
    answer = await owner.call("POST", "/transactions/payment-request", body, expect=201)
    assert answer["message"] == "Payment request created successfully"
    assert answer["data"].keys() >= {
        "_id", "customerId", "amount", "currency", "paymentMethod", "description", "status", "reference", "paymentLink",
        "createdAt", "dueDate",
    }  # fmt: skip
    assert answer["data"]["dueDate"] == "2026-01-31T18:30:00.000Z", "the beginning of the day where the provider is"


async def test_every_sort_goes_on_from_its_own_cursors(office: Office) -> None:
    owner = await office.owner()
    dated = [await asked(office, owner, 150_000 + n, dueDate=f"2026-02-0{n}") for n in (2, 1)]
    undated = [await asked(office, owner, 150_000 + n) for n in (3, 4)]
    everybody = {r["_id"] for r in (*dated, *undated)}
    for sort in LIST.public_sorts:
        for sign in ("", "-"):
            found = await owner.walked("/transactions/payment-requests", "items", f"{sign}{sort}")
            assert len(found) == 4 and set(found) == everybody, (sign, sort)
    by_due = await owner.walked("/transactions/payment-requests", "items", "due")
    assert by_due[:2] == [dated[1]["_id"], dated[0]["_id"]]


async def test_money_for_a_request_that_was_called_off_goes_back_by_itself(office: Office) -> None:
    owner = await office.owner()
    request = await asked(office, owner)

    async def call_off() -> None:
        for _ in range(2):
            off = (await owner.call("POST", f"/transactions/payment-requests/{request['_id']}/cancel"))["data"]
            assert off["status"] == "cancelled" and off["paymentLink"] is None

    await pay(office, request, then=call_off)
    assert await available(owner) == 0
    status = await office.world.value(
        "SELECT r.status FROM refunds r JOIN payment_requests q ON q.payment_id = r.payment_id "
        "WHERE q.id = $1::text::uuid", request["_id"],
    )  # fmt: skip
    assert status == "processed"
    async with office.world.services.read() as conn:
        assert await ledger_check.check(conn) == []


async def test_another_amount_is_another_page_and_cash_has_none(office: Office) -> None:
    owner = await office.owner()
    request = await asked(office, owner)
    path = f"/transactions/payment-requests/{request['_id']}"
    changed = (await owner.call("PATCH", path, {"amount": 90_000, "description": "Half of it"}))["data"]
    assert changed["amount"] == 90_000 and changed["description"] == "Half of it"
    assert changed["paymentLink"]["url"] not in (None, request["paymentLink"]["url"])
    line = (await owner.call("GET", f"/transactions/{request['transactionId']}"))["data"]
    assert line["amount"] == 90_000
    cash = (await owner.call("PATCH", path, {"paymentMethod": "cash"}))["data"]
    assert cash["paymentLink"] is None and cash["paymentMethod"] == "cash"
    linked = (await owner.call("PATCH", path, {"paymentMethod": "link"}))["data"]
    await pay(office, linked)
    assert await available(owner) == 90_000


async def test_what_was_paid_can_go_back_as_long_as_the_wallet_holds_it(office: Office) -> None:
    owner = await office.owner()
    request = await asked(office, owner)
    await pay(office, request)
    payment = await office.world.value(
        "SELECT payment_id FROM payment_requests WHERE id = $1::text::uuid", request["_id"]
    )
    async with office.world.services.transaction() as tx:
        await refunds.request(tx, payment, 150_000, reason="not happy", requested_by="admin:1")
    await office.till.drain()
    assert await available(owner) == 0
    line = (await owner.call("GET", f"/transactions/{request['transactionId']}"))["data"]
    assert line["status"] == "refunded" and line["uiStatus"] == "Failed"
    assert [(r["category"], r["type"], r["status"]) for r in line["relatedTransactions"]] == [
        ("refund", "debit", "settled")
    ]
    async with office.world.services.read() as conn:
        assert await ledger_check.check(conn) == []


async def test_what_goes_back_in_parts_leaves_the_dashboard_with_what_the_wallet_holds(office: Office) -> None:
    owner = await office.owner()
    request = await asked(office, owner)
    await pay(office, request)
    payment = await office.world.value(
        "SELECT payment_id FROM payment_requests WHERE id = $1::text::uuid", request["_id"]
    )
    for part, left, succeeded, refunded in ((149_999, 1, 150_000, 0), (1, 0, 0, 150_000)):
        async with office.world.services.transaction() as tx:
            await refunds.request(tx, payment, part, reason="not happy", requested_by="admin:1")
        await office.till.drain()
        shown = (await owner.call("GET", "/dashboard/stats"))["data"]
        assert shown["income"] == shown["walletBalance"] == await available(owner) == left
        sums = {s["_id"]: s["totalAmount"] for s in shown["transactionsSummary"]}
        assert (sums["successful"], sums["refunded"]) == (succeeded, refunded)
        hours = (await owner.call("GET", "/dashboard/income-chart?period=daily"))["data"]
        assert sum(p["thisPeriod"] for p in hours["dataPoints"]) == left


async def test_what_a_request_may_not_be(office: Office) -> None:
    owner, stranger = await office.owner(), await office.owner()
    customer = await add_customer(office.world.services, stranger.owned)
    body = {"customerId": str(customer.id), "amount": 1500, "paymentMethod": "link"}
    answer = await owner.call("POST", "/transactions/payment-request", body, expect=400)
    assert answer["error"]["details"] == {"customerId": ["Customer not found"]}
    answer = await owner.call(
        "POST", "/transactions/payment-request", {"amount": 0, "paymentMethod": "cheque"}, expect=400
    )
    assert answer["errors"].keys() == {"customerId", "amount", "paymentMethod"}


async def test_cash_that_was_asked_for_is_received_once_and_stands_beside_the_wallet(office: Office) -> None:
    owner = await office.owner()
    request = await asked(office, owner, paymentMethod="cash")
    for _ in range(2):
        done = (await owner.call("POST", f"/transactions/payment-requests/{request['_id']}/received"))["data"]
        assert done["status"] == "paid" and done["paidAt"]
    lines = (await owner.call("GET", "/transactions"))["data"]["transactions"]
    assert sorted((t["category"], t["type"], t["status"], t["amount"]) for t in lines) == [
        ("cash_collected", "debit", "settled", 150_000), ("payment_received", "credit", "settled", 150_000),
    ]  # fmt: skip
    assert await available(owner) == 0, "no payout draws on it"
    await owner.call("POST", f"/transactions/payment-requests/{request['_id']}/cancel", expect=409)
    at_a_page = await asked(office, owner)
    await owner.call("POST", f"/transactions/payment-requests/{at_a_page['_id']}/received", expect=409)
    called_off = await asked(office, owner, paymentMethod="cash")
    await owner.call("POST", f"/transactions/payment-requests/{called_off['_id']}/cancel")
    await owner.call("POST", f"/transactions/payment-requests/{called_off['_id']}/received", expect=409)
    stranger = await office.owner()
    await stranger.call("POST", f"/transactions/payment-requests/{called_off['_id']}/received", expect=404)
    async with office.world.services.read() as conn:
        assert await ledger_check.check(conn) == []
