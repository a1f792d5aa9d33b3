"""The statement: filters, sorts, details, files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from dispatch.billing import provider_transactions
from dispatch.billing.provider_transactions import NewTransaction
from tests.api.provider.conftest import Office, Teammate
from tests.providers import add_customer


async def with_lines(office: Office, **values: Any) -> Teammate:
    """Three lines: 1,000 settled by Ann, 2,500 pending of Bob, 500 failed debit."""
    owner = await office.owner(**values)
    mine = owner.owned.id
    ann, bob = [await add_customer(office.world.services, owner.owned, name) for name in ("Ann Ade", "Bob Bello")]
    async with office.world.services.transaction() as tx:
        for new in (
            NewTransaction(mine, "credit", "provider_payment", "settled", 100_000, "INR", "REF-1", "cash", ann),
            NewTransaction(mine, "credit", "payment_received", "pending", 250_000, "INR", "REF-2", "link", bob),
            NewTransaction(mine, "debit", "payout", "failed", 50_050, "INR", "REF-3", "bank_transfer"),
        ):
            await provider_transactions.add(tx, new)
    return owner


@pytest.fixture(scope="module")
async def owner(office: Office) -> Teammate:
    return await with_lines(office)


async def references(owner: Teammate, query: str) -> list[str]:
    found = (await owner.call("GET", f"/transactions?{query}"))["data"]
    assert [t["_id"] for t in found["items"]] == [t["_id"] for t in found["transactions"]]
    return [t["reference"] for t in found["transactions"]]


@pytest.mark.parametrize(("query", "expected"), [
    ("sortBy=amount&sortOrder=asc", ["REF-3", "REF-1", "REF-2"]),
    ("sortBy=amount&sortOrder=desc", ["REF-2", "REF-1", "REF-3"]),
    ("sortBy=payer&sortOrder=desc", ["REF-2", "REF-1", "REF-3"]),
    ("sortBy=status&sortOrder=asc", ["REF-3", "REF-2", "REF-1"]),
    ("status=settled", ["REF-1"]), ("status[]=settled&status[]=pending&sortBy=amount", ["REF-1", "REF-2"]),
    ("type=debit", ["REF-3"]), ("category=payment_received,payout&sortBy=amount", ["REF-3", "REF-2"]),
    ("minAmount=100000&sortBy=amount", ["REF-1", "REF-2"]), ("maxAmount=99999", ["REF-3"]), ("search=ann", ["REF-1"]),
    ("search=ref-2", ["REF-2"]), ("search=nobody", []), ("dateTo=2026-01-04", []),
    ("dateFrom=2026-01-05&type=debit", ["REF-3"]),
    ("dateFrom=1767571200&type=debit", ["REF-3"]), ("dateFrom=&status=&type=debit", ["REF-3"]),
    ("limit=1&page=2&sortBy=amount", ["REF-1"]),
])  # fmt: skip
async def test_every_filter_and_sort(owner: Teammate, query: str, expected: list[str]) -> None:
    assert await references(owner, query) == expected


async def test_a_line_has_the_documented_keys(owner: Teammate) -> None:
    found = (await owner.call("GET", "/transactions?search=ref-1"))["data"]
    line = found["transactions"][0]
    assert line.keys() >= {
        "_id", "walletId", "userId", "type", "category", "amount", "currency", "reference", "status", "metadata",
        "createdAt", "updatedAt",
    }  # fmt: skip
    assert line["userId"]["name"] == "Ann Ade" and line["userId"].keys() == {"_id", "name", "email", "phone"}
    assert line["metadata"].keys() >= {"providerId", "providerName", "payerUserId", "description", "paymentMethod"}
    assert found["summary"] == {"totalAmount": 100_000, "totalCount": 3, "filteredCount": 1}
    detail = (await owner.call("GET", f"/transactions/{line['_id']}"))["data"]
    assert detail["relatedTransactions"] == [] and detail["reference"] == "REF-1"


@pytest.mark.parametrize("query", [
    "status=gone", "type=both", "category=tips", "minAmount=ten", "dateFrom=yesterday",
    "dateFrom=2026-02-01&dateTo=2026-01-01",
    "sortBy=luck", "page=0", "minAmount=10.5",
])  # fmt: skip
async def test_what_a_list_does_not_take(owner: Teammate, query: str) -> None:
    answer = await owner.call("GET", f"/transactions?{query}", expect=400)
    assert answer["error"]["code"] == "VALIDATION_ERROR" and answer["errors"] and answer["message"]


async def test_another_providers_line_is_not_there(office: Office, owner: Teammate) -> None:
    line = (await owner.call("GET", "/transactions"))["data"]["transactions"][0]
    stranger = await office.owner()
    await stranger.call("GET", f"/transactions/{line['_id']}", expect=404)
    assert (await stranger.call("GET", "/transactions"))["data"]["transactions"] == []


async def test_the_file_has_the_documented_columns_in_major_units(office: Office) -> None:
    owner = await with_lines(office, units="major")
    content, headers = await owner.file("/transactions/export?sortBy=amount&maxAmount=1000")
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert rows[0] == ["Payer", "Email", "Date & Time", "Method", "Type", "Reference", "Status", "Amount"]
    assert [r[5:] for r in rows[1:]] == [["REF-3", "Failed", "500.50"], ["REF-1", "Settled", "1000"]]
    assert rows[2][2] == "Jan 5, 2026 10:00 AM" and rows[2][3] == "Cash"
    assert 'filename="transactions_2026-01-05.csv"' in headers["Content-Disposition"]
    content, headers = await owner.file("/transactions/export?format=xlsx")
    assert content.startswith(b"PK") and headers["Content-Type"].endswith("spreadsheetml.sheet")


async def test_banks_and_whose_account_a_number_is(office: Office) -> None:
    owner = await office.owner()
    banks = (await owner.call("GET", "/payouts/banks?country=NG"))["data"]
    assert {"name", "code"} == banks[0].keys()
    body = {"accountNumber": "0123452939", "bankCode": banks[0]["code"]}
    assert (await owner.call("POST", "/wallet/resolve-account", body))["data"]["accountName"]
    await owner.call("POST", "/wallet/resolve-account", {**body, "bankCode": "none"}, expect=404)
