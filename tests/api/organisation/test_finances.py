"""Money of an organisation over HTTP: the overview, invoices, reports as files; who may see which."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.billing import invoice_payments, invoices
from dispatch.billing.invoice_payments import Transfer
from dispatch.billing.invoices import last_period
from dispatch.events import Actor
from dispatch.ports.files import NoFiles
from tests.api.organisation.conftest import Portal, today
from tests.organisations import Home, add_organisation


async def test_the_overview_adds_up(portal: Portal, firm: Home) -> None:
    year = (await portal.call("GET", "/finance/overview?period=year", headers=firm.headers()))["data"]
    month = (await portal.call("GET", "/finance/overview", headers=firm.headers()))["data"]
    assert month["overview"]["totalSpent"] == 582 + 982 and month["overview"]["currency"] == "INR"
    assert {s["service"]: s["percentage"] for s in month["byService"]} == {
        "Deep Cleaning": 62.5, "Office Cleaning": 37.5
    }  # fmt: skip
    assert sum(m["spent"] for m in year["trends"]["monthly"]) == year["overview"]["totalSpent"]
    manager = firm.headers(await manager_of(firm))
    theirs = (await portal.call("GET", "/finance/overview", headers=manager))["data"]
    assert theirs["overview"]["totalSpent"] == 582
    assert [d["department"] for d in theirs["byDepartment"]] == ["Engineering"]
    coordinator = firm.headers(await firm.member("coordinator"))
    await portal.call("GET", "/finance/overview", headers=coordinator, expect=403)


async def manager_of(home: Home) -> Any:
    async with home.services.read() as conn:
        place = await conn.fetchval(
            "SELECT id FROM departments WHERE organisation_id = $1 AND name = 'Engineering'", home.id
        )
    return await home.member("manager", department_id=place)


async def test_an_invoice_stands_whose_pdf_cannot_be_kept_just_now(portal: Portal) -> None:
    """Its PDF follows by itself; whoever asks for the document gets it all the same."""
    home = await add_organisation(portal.services)
    period = last_period(today(portal), "monthly")
    await home.done(period.start)
    body = {"period": {"startDate": period.start.isoformat(), "endDate": period.end.isoformat()}}
    store, portal.services.files = portal.services.files, NoFiles()
    try:
        said = await portal.call("POST", "/billing/invoice-request", body, headers=home.headers(), expect=201)
    finally:
        portal.services.files = store
    made = said["data"]["invoice"]
    assert made["status"] == "pending" and said["data"]["downloadUrl"] is None and "follows" in said["message"]
    assert (await portal.call("GET", f"/finance/invoices/{made['id']}/pdf", headers=home.headers()))[:5] == b"%PDF-"
    assert await invoices.keep_papers(portal.services) >= 1
    async with portal.services.read() as conn:
        assert (await invoices.get(conn, home.id, UUID(made["id"]))).file_id is not None


async def test_an_invoice_is_asked_for_listed_and_fetched(portal: Portal, firm: Home) -> None:
    period = last_period(today(portal), "monthly")
    days = {"startDate": period.start.isoformat(), "endDate": period.end.isoformat()}
    body = {"period": days, "groupBy": "department"}
    made = (await portal.call("POST", "/billing/invoice-request", body, headers=firm.headers(), expect=201))["data"]
    assert (made["invoice"]["subtotal"], made["invoice"]["total"]) == (1800, 1746)
    assert made["invoice"]["lines"][0]["group"] == "Engineering" and "/v1/files/" in made["downloadUrl"]
    again = await portal.call("POST", "/billing/invoice-request", body, headers=firm.headers(), expect=409)
    assert again["error"]["code"] == "NOTHING_TO_BILL"
    listed = (await portal.call("GET", "/finance/invoices?status=pending", headers=firm.headers()))["data"]
    assert [i["id"] for i in listed["invoices"]] == [made["invoice"]["id"]]
    assert listed["summary"] == {"totalInvoices": 1, "totalPaid": 0, "totalPending": 1746, "totalOverdue": 0}
    assert listed["invoices"][0]["items"][0] == {
        "description": "Office Cleaning", "quantity": 3, "unitPrice": 600, "amount": 1800
    }  # fmt: skip
    path = f"/finance/invoices/{made['invoice']['id']}"
    assert (await portal.call("GET", f"{path}/pdf", headers=firm.headers())).startswith(b"%PDF-")
    other = await add_organisation(portal.services)
    for method, foreign in (("GET", path), ("GET", f"{path}/pdf"), ("POST", f"{path}/pay")):
        expect = 503 if method == "POST" else 404
        await portal.call(method, foreign, headers=other.headers(), expect=expect)
    paid = (await portal.call("GET", "/billing/payments", headers=firm.headers()))["data"]
    assert paid["payments"] == [] and paid["summary"]["totalPaid"] == 0
    days["endDate"] = (period.start - timedelta(days=1)).isoformat()
    refused = await portal.call("POST", "/billing/invoice-request", body, headers=firm.headers(), expect=422)
    assert set(refused["error"]["details"]) == {"period.endDate"}


@pytest.mark.parametrize("kind", ["summary", "detailed", "tax", "departmental"])
async def test_reports_are_files(portal: Portal, firm: Home, kind: str) -> None:
    for form, begins in (("pdf", b"%PDF-"), ("excel", b"PK"), ("csv", b"")):
        path = f"/finance/reports?type={kind}&format={form}&period=month"
        assert (await portal.call("GET", path, headers=firm.headers())).startswith(begins)
    text = (await portal.call("GET", f"/finance/reports?type={kind}&format=csv", headers=firm.headers())).decode()
    assert "1564.0" in text if kind in ("summary", "tax") else "982.0" in text
    linked = await portal.call("GET", f"/finance/reports?type={kind}&delivery=url", headers=firm.headers())
    assert linked["data"]["filename"].endswith(".pdf")
    bad = f"/finance/reports?type={kind}&startDate=2026-02-01&endDate=2026-01-01"
    refused = await portal.call("GET", bad, headers=firm.headers(), expect=422)
    assert set(refused["error"]["details"]) == {"endDate"}
    await portal.call("GET", f"/finance/reports?department={uuid4()}", headers=firm.headers(), expect=404)


async def test_a_manager_sees_their_department_s_part_of_an_invoice(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    mine, other = await home.department("Mine"), await home.department("Other")
    manager = home.headers(await home.member("manager", department_id=mine.id))
    before = last_period(today(portal), "monthly")
    await home.done(before.end, department_id=mine.id)
    await home.done(before.end, department_id=other.id, name="Secret Cleaning", price_minor=990000)
    period = {"startDate": before.start.isoformat(), "endDate": before.end.isoformat()}
    asked = await portal.call(
        "POST", "/billing/invoice-request", {"period": period, "includeDetails": False, "groupBy": "department"},
        headers=home.headers(), expect=201,
    )  # fmt: skip
    assert [x["description"] for x in asked["data"]["invoice"]["lines"]] == ["Mine", "Other"]

    async def seen() -> tuple[dict[str, Any], dict[str, Any]]:
        found = (await portal.call("GET", "/finance/invoices", headers=manager))["data"]
        [shown] = found["invoices"]
        return shown, found["summary"]

    shown, sums = await seen()
    assert [(i["description"], i["amount"]) for i in shown["items"]] == [("Mine", 600)]
    assert (shown["subtotal"], shown["discount"], shown["tax"], shown["total"]) == (600, 90, 72, 582)
    assert (shown["paid"], shown["open"]) == (0, 582)
    assert sums == {"totalInvoices": 1, "totalPaid": 0, "totalPending": 582, "totalOverdue": 0}
    async with portal.services.transaction() as tx:
        paid = Transfer(asked["data"]["invoice"]["total"] * 100, "UTR-PART", today(portal))
        await invoice_payments.record_transfer(tx, Actor("admin", None), UUID(shown["id"]), paid)
    shown, sums = await seen()
    assert (shown["status"], shown["paid"], shown["open"], sums["totalPaid"]) == ("paid", 582, 0, 582)
    # Whoever has nothing on any sees none.
    third = await home.department("Third")
    nobody = home.headers(await home.member("manager", department_id=third.id))
    found = (await portal.call("GET", "/finance/invoices", headers=nobody))["data"]
    assert (found["invoices"], found["summary"]["totalInvoices"], found["summary"]["totalPaid"]) == ([], 0, 0)
