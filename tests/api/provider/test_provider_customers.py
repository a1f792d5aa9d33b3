"""Customers: who has become one, what they have spent, and what is sent to them."""

from __future__ import annotations

import csv
import io

import pytest

from dispatch.billing import provider_transactions
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.parties import provider_customers
from tests.api.provider.conftest import Office, Teammate
from tests.providers import add_customer, enlist


@pytest.fixture(scope="module")
async def owner(office: Office) -> Teammate:
    """Ann has spent 1,000, Bob 2,500 twice, Cid nothing."""
    owner = await office.owner()
    people = [await add_customer(office.world.services, owner.owned, n) for n in ("Ann Ade", "Bob Bello", "Cid Cole")]
    async with office.world.services.transaction() as tx:
        for n, (who, minor) in enumerate(((0, 100_000), (1, 250_000), (1, 250_000))):
            await provider_transactions.add(tx, NewTransaction(
                owner.owned.id, "credit", "payment_received", "settled", minor, "INR", f"C-{n}", "link", people[who],
            ))  # fmt: skip
    return owner


@pytest.mark.parametrize(("query", "expected"), [
    ("", ["Ann Ade", "Bob Bello", "Cid Cole"]),
    ("sortBy=totalSpent&sortOrder=desc", ["Bob Bello", "Ann Ade", "Cid Cole"]),
    ("sortBy=transactionCount&sortOrder=asc", ["Cid Cole", "Ann Ade", "Bob Bello"]), ("search=bello", ["Bob Bello"]),
    ("sortBy=email&sortOrder=desc", ["Cid Cole", "Bob Bello", "Ann Ade"]), ("source=booking", []),
    ("sortBy=lastTransactionDate&limit=1", None),
])  # fmt: skip
async def test_every_sort_and_search(owner: Teammate, query: str, expected: list[str] | None) -> None:
    found = (await owner.call("GET", f"/customers?{query}"))["data"]
    assert found["items"] == found["customers"]
    if expected is not None:
        assert [c["name"] for c in found["customers"]] == expected
    assert found["summary"] == {"totalCustomers": 3, "totalRevenue": 600_000, "averageTransactionValue": 200_000}


async def test_a_customer_in_detail(owner: Teammate) -> None:
    ann = (await owner.call("GET", "/customers?search=ann"))["data"]["customers"][0]
    assert ann.keys() >= {
        "_id", "name", "email", "phone", "location", "totalSpent", "transactionCount", "lastTransactionDate", "avatar",
        "createdAt", "metadata",
    }  # fmt: skip
    detail = (await owner.call("GET", f"/customers/{ann['_id']}"))["data"]
    assert detail["totalSpent"] == 100_000 and detail["subscriptions"] == []
    assert [t["reference"] for t in detail["recentTransactions"]] == ["C-0"]


async def test_the_file_has_the_documented_columns(owner: Teammate) -> None:
    content, headers = await owner.file("/customers/export?sortBy=totalSpent&sortOrder=desc")
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert rows[0] == ["Name", "Email", "Phone", "Location", "Total Orders", "Total Spent"]
    assert [(r[0], r[4], r[5]) for r in rows[1:]] == [
        ("Bob Bello", "2", "5000"), ("Ann Ade", "1", "1000"), ("Cid Cole", "0", "0"),
    ]  # fmt: skip
    assert "customers_2026-01-05.csv" in headers["Content-Disposition"]


async def test_writing_customers_down(office: Office) -> None:
    owner, stranger = await office.owner(), await office.owner()
    body = {"name": "Dan Dike", "email": "dan@example.com", "phone": "+2348012345678", "location": "Lagos"}
    made = (await owner.call("POST", "/customers", body, expect=201))["data"]
    assert made.items() >= {"source": "manual", "hasAppAccount": False, "status": "active", "location": "Lagos"}.items()
    answer = await owner.call("POST", "/customers", {**body, "email": "DAN@example.com"}, expect=409)
    assert answer["error"]["code"] == "DUPLICATE_EMAIL"
    changed = (await owner.call("PATCH", f"/customers/{made['_id']}", {"name": "Dan D", "status": "inactive"}))["data"]
    assert (changed["name"], changed["status"], changed["phone"]) == ("Dan D", "inactive", "+2348012345678")
    await stranger.call("GET", f"/customers/{made['_id']}", expect=404)
    await stranger.call("PATCH", f"/customers/{made['_id']}", {"name": "X"}, expect=404)
    await owner.call("PATCH", f"/customers/{made['_id']}", {"status": "gone"}, expect=400)


async def test_whoever_had_a_job_done_is_a_customer_with_a_location(office: Office) -> None:
    owner = await office.owner()
    technician = await office.world.technician(km_north=0.2)
    await enlist(office.world.services, technician, owner.owned)
    booking = await office.till.paid()
    await office.till.finish(booking, technician)
    found = (await owner.call("GET", "/customers"))["data"]["customers"]
    assert [(c["source"], c["hasAppAccount"], c["location"], c["totalSpent"]) for c in found] == [
        ("booking", True, "Kolkata", 123984)
    ]


async def test_a_job_paid_at_the_door_is_one_order_and_what_was_only_asked_for_is_none(office: Office) -> None:
    owner = await office.owner()
    technician = await office.world.technician(km_north=0.05)
    await enlist(office.world.services, technician, owner.owned)
    await office.till.finish(await office.world.book(), technician)
    [customer] = (await owner.call("GET", "/customers"))["data"]["customers"]
    body = {"customerId": customer["_id"], "amount": 50_000, "paymentMethod": "cash"}
    asked = [(await owner.call("POST", "/transactions/payment-request", body, expect=201))["data"] for _ in range(2)]
    await owner.call("POST", f"/transactions/payment-requests/{asked[0]['_id']}/cancel")
    found = (await owner.call("GET", "/customers"))["data"]
    [shown], summary = found["customers"], found["summary"]
    assert (shown["transactionCount"], shown["totalSpent"]) == (1, 123_984)
    assert summary["averageTransactionValue"] == 123_984
    content, _ = await owner.file("/customers/export")
    assert list(csv.reader(io.StringIO(content.decode())))[1][4:] == ["1", "1239.84"]
    await owner.call("POST", f"/transactions/payment-requests/{asked[1]['_id']}/received")
    [shown] = (await owner.call("GET", "/customers"))["data"]["customers"]
    assert (shown["transactionCount"], shown["totalSpent"]) == (2, 173_984)


async def test_one_address_is_one_customer(office: Office) -> None:
    owner = await office.owner()
    async with office.world.services.transaction() as tx:
        made = [
            await provider_customers.of_address(
                tx, owner.owned.id, source="payment", name="Eve", email=email, phone=None
            )
            for email in ("eve@example.com", "EVE@example.com")
        ]
    assert made[0].id == made[1].id
