"""What an app owes, for staff by their roles and for the app itself; transfers are recorded and taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dispatch.billing import ledger, ledger_check
from dispatch.billing.debtors import Debtor
from dispatch.localtime import local
from tests.api.live import Live, live_server
from tests.conftest import clone
from tests.integrations import App, onboard
from tests.parties import staff

PATH = "/v1/admin/integrations"
NOBODY_S = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder: Path = tmp_path_factory.mktemp("admin-integration-account")
    async with live_server(await clone(pg_home), folder, technicians=0, customers=0) as made:
        yield made


async def owing(live: Live, minor: int, currency: str = "INR") -> App:
    """An app that owes so much, of no booking."""
    app = await onboard(live)
    async with live.services.transaction() as tx:
        debts = await Debtor(UUID(app.id), has_credit=True).owes(tx, currency, minor)
        lines = [*debts, ledger.Line(ledger.platform("fee_revenue", currency), minor)]
        await ledger.post(tx, "cancellation_fee", app.id, lines, description="Cancellation of a booking")
    return app


def transfer(live: Live, **changes: Any) -> dict[str, Any]:
    today = local(live.services.clock.now(), live.services.settings.timezone).date()
    return {"amount": 907.92, "currency": "INR", "reference": "UTR-1", "paid_on": str(today), **changes}


async def test_recorded_seen_by_both_and_taken_back(live: Live) -> None:
    finance, app, other = await staff(live, "finance"), await owing(live, 100_000), await onboard(live)
    base = f"{PATH}/{app.id}"
    paid = (await finance.call("POST", f"{base}/payments", transfer(live), expect=201))["data"]
    assert (paid["amount"], paid["currency"], paid["reversed_at"]) == (907.92, "INR", None)
    refused = await finance.call("POST", f"{base}/payments", transfer(live, reference=" utr-1 ", amount=1), expect=409)
    assert refused["error"]["code"] == "TRANSFER_KNOWN"
    dollars = transfer(live, currency="usd", reference="UTR-2", amount=20)
    await finance.call("POST", f"{base}/payments", dollars, expect=201)
    account = (await finance.call("GET", f"{base}/account"))["data"]
    balances = [
        {"currency": "INR", "owed": 92.08, "credit": 0}, {"currency": "USD", "owed": 0, "credit": 20},
    ]  # fmt: skip
    assert account["balances"] == balances == (await finance.call("GET", base))["data"]["account"]
    assert [(line["type"], line["amount"], line["currency"]) for line in account["lines"]] == [
        ("credit", 20, "USD"), ("credit", 907.92, "INR"), ("debit", 1000, "INR"),
    ]  # fmt: skip
    assert [line["payment_id"] for line in account["lines"]][1:] == [paid["id"], None]
    debits = (await finance.call("GET", f"{base}/account?type=debit&currency=INR"))["data"]
    assert debits["lines"] == account["lines"][2:] and debits["balances"] == balances
    today = local(live.services.clock.now(), live.services.settings.timezone).date()
    for day, count in ((today, 3), (today + timedelta(days=1), 0)):
        asked = (await finance.call("GET", f"{base}/account?date_from={day}"))["data"]
        assert (len(asked["lines"]), asked["balances"]) == (count, balances)
        assert len((await app.own("GET", f"/account?dateFrom={day}"))["data"]["lines"]) == count
    first = (await finance.call("GET", f"{base}/account?limit=1"))["data"]
    after = (await finance.call("GET", f"{base}/account?limit=1&cursor={first['pagination']['cursor']}"))["data"]
    assert first["lines"] + after["lines"] == account["lines"][:2]
    mine = (await app.own("GET", "/account"))["data"]
    assert mine["balances"] == balances
    assert [line["description"] for line in mine["lines"]] == [
        "Payment UTR-2", "Payment UTR-1", "Cancellation of a booking",
    ]  # fmt: skip
    assert mine["lines"][0]["bookingNumber"] is None and mine["lines"][0]["paymentStatus"] is None
    await other.call("GET", f"/api/partners/{app.id}/account", expect=404)
    assert (await other.own("GET", "/account"))["data"]["balances"] == []
    back, why = f"{base}/payments/{paid['id']}/reverse", {"reason": "It was for another app."}
    await finance.call("POST", f"{PATH}/{other.id}/payments/{paid['id']}/reverse", why, expect=404)
    assert (await finance.call("POST", back, why))["data"]["reversal_reason"] == why["reason"]
    assert (await finance.call("POST", back, why, expect=409))["error"]["code"] == "PAYMENT_REVERSED"
    listed = (await finance.call("GET", f"{base}/payments"))["data"]["payments"]
    assert [(p["reference"], p["reversed_at"] is not None) for p in listed] == [("UTR-2", False), ("UTR-1", True)]
    assert (await app.own("GET", "/account"))["data"]["balances"][0] == {"currency": "INR", "owed": 1000, "credit": 0}
    async with live.services.read() as conn:
        # What is owed of no booking here is planted.
        assert {f.question for f in await ledger_check.check(conn)} == {"integration_debts"}
    async with live.http.get(
        f"{live.url}{base}/account/export?format=csv", headers={"Authorization": f"Bearer {finance.token}"}
    ) as reply:
        text = await reply.text()
        assert reply.status == 200 and len(text.splitlines()) == 5 and "-907.92" in text and "-1000" in text


async def test_every_bad_field_is_named(live: Live) -> None:
    admin, app = await staff(live), await onboard(live)
    path = f"{PATH}/{app.id}/payments"
    bad = {"amount": 0, "currency": "rupees", "reference": "  ", "paid_on": "yesterday"}
    refused = await admin.call("POST", path, bad, expect=422)
    assert refused["error"]["details"].keys() == bad.keys()
    tomorrow = local(live.services.clock.now(), live.services.settings.timezone).date() + timedelta(days=1)
    late = await admin.call("POST", path, transfer(live, paid_on=str(tomorrow)), expect=422)
    assert late["error"]["details"].keys() == {"paid_on"}
    for amount in (-5, 0.001, 1e15):
        await admin.call("POST", path, transfer(live, amount=amount), expect=422)
    refused = await admin.call("POST", f"{path}/{NOBODY_S}/reverse", {"reason": " "}, expect=422)
    assert refused["error"]["details"].keys() == {"reason"}
    assert (await admin.call("GET", path))["data"]["payments"] == []


async def test_who_may_look_and_who_may_record(live: Live) -> None:
    app = await owing(live, 5000)
    base = f"{PATH}/{app.id}"
    for role, may_record in (("super_admin", True), ("admin", True), ("finance", True), ("support", False)):
        person = await staff(live, role)
        for path in ("", "/account", "/payments"):
            await person.call("GET", base + path)
        answer = await person.call(
            "POST", f"{base}/payments", transfer(live, reference=role), expect=201 if may_record else 403
        )
        id = answer["data"]["id"] if may_record else NOBODY_S
        why = {"reason": "A slip"}
        await person.call("POST", f"{base}/payments/{id}/reverse", why, expect=200 if may_record else 403)
    without = await staff(live, "support", permissions={"integrations": None})
    for path in ("/account", "/account/export", "/payments"):
        await without.call("GET", base + path, expect=403)
    admin = await staff(live)
    for method, path, body in (
        ("GET", "account", None), ("GET", "payments", None), ("POST", "payments", transfer(live)),
    ):  # fmt: skip
        await admin.call(method, f"{PATH}/{NOBODY_S}/{path}", body, expect=404)
