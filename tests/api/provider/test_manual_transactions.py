"""What a provider took itself."""

from __future__ import annotations

from tests.api.provider.conftest import Office
from tests.api.provider.test_provider_transactions import references


async def test_what_the_provider_took_itself_is_on_the_statement_and_not_in_the_wallet(office: Office) -> None:
    owner = await office.owner()
    body = {
        "amount": 30_000, "method": "pos", "payerName": "Carl Cole", "receivedAt": "2026-01-04", "note": "A visit",
    }  # fmt: skip
    made = (await owner.call("POST", "/transactions/manual", body, expect=201))["data"]
    assert (made["status"], made["receivedAt"], made["payer"]["name"]) == ("recorded", "2026-01-04", "Carl Cole")
    assert await references(owner, "category=manual&status=settled") == [made["reference"]]
    assert (await owner.call("GET", "/wallet/balance"))["data"]["availableBalance"] == 0
    path = f"/transactions/manual/{made['_id']}"
    assert (await owner.call("PATCH", path, {"description": "Two visits"}))["data"]["description"] == "Two visits"
    for _ in range(2):
        assert (await owner.call("POST", f"{path}/reconcile"))["data"]["status"] == "reconciled"
    await owner.call("PATCH", path, {"status": "voided"}, expect=409)
    other = (await owner.call("POST", "/transactions/manual", {"amount": 100}, expect=201))["data"]
    voided = (await owner.call("PATCH", f"/transactions/manual/{other['_id']}", {"status": "voided"}))["data"]
    assert voided["status"] == "voided"
    found = (await owner.call("GET", "/transactions/manual?status=voided"))["data"]["items"]
    assert [m["_id"] for m in found] == [other["_id"]]
    held = await office.world.value(
        "SELECT array_agg(balance_minor ORDER BY balance_minor) FROM ledger_accounts WHERE owner_id = $1 "
        "AND type LIKE 'outside%'", owner.owned.id,
    )  # fmt: skip
    assert held == [-30_000, 30_000]


async def test_who_is_known_by_an_address_alone_is_a_customer_too(office: Office) -> None:
    owner = await office.owner()
    body = {"amount": 30_000, "payerEmail": "carl@example.com"}
    made = (await owner.call("POST", "/transactions/manual", body, expect=201))["data"]
    [customer] = (await owner.call("GET", "/customers"))["data"]["customers"]
    assert made["payer"] == {"_id": customer["_id"], "name": None, "email": "carl@example.com", "phone": None}
