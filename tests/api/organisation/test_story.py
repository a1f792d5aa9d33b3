"""The whole way: an organisation registers, enrols a thousand, books, has it approved and done, is billed and pays."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import FormData

from dispatch.adapters.files.folder import FolderStore
from dispatch.billing import invoice_payments, invoices, ledger_check
from dispatch.billing.invoice_payments import Transfer
from dispatch.events import Actor
from dispatch.parties import budgets, enrolments, organisation_desk
from tests.api.organisation.conftest import Office, do_job
from tests.parties import PASSWORD

STAFF = Actor("admin", None)
MEMBERS = 1000


async def registered(office: Office) -> tuple[str, dict[str, str]]:
    """Its id, and what its owner sends once the password is set."""
    body = {
        "organizationType": "business", "organizationInfo": {"name": "Story Ltd"}, "address": {"country": "India"},
        "contactInfo": {"primaryContact": {"firstName": "Olive", "lastName": "O", "email": "olive@story.example"}},
        "program": {"expectedUsers": 1500, "budget": {"monthly": 50000, "currency": "INR"}},
    }  # fmt: skip
    made = await office.call("POST", "/register", body, headers={}, expect=201)
    token = {"Authorization": f"Bearer {made['token']}"}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("document_verification", {"documents": [{"type": "tax_certificate", "url": "https://x.example/t.pdf"}]}),
        ("contract_signing", {"accepted": True, "signatoryName": "Olive O"}),
        ("payment_setup", {"paymentMethod": {"primary": "bank_transfer"}, "paymentTerms": "net_15"}),
    ]
    for step, data in steps:
        await office.call("PUT", "/onboarding/step", {"step": step, "data": data}, headers=token)
    async with office.services.read() as conn:
        link = await conn.fetchval("SELECT data->>'link' FROM outbox WHERE recipient = 'olive@story.example' LIMIT 1")
    chosen = {"token": link.rpartition("/")[2], "password": PASSWORD}
    async with office.client.post("/api/auth/set-password", json=chosen) as reply:
        assert reply.status == 200
    signed = await office.call(
        "POST", "/auth/login", {"email": "olive@story.example", "password": PASSWORD}, headers={}
    )
    return made["data"]["partner"]["id"], {"Authorization": f"Bearer {signed['token']}"}


async def enrol(office: Office, owner: dict[str, str]) -> None:
    lines = "".join(f"Person,{n},p{n}@story.example,E{n},Facilities,\n" for n in range(MEMBERS))
    data = FormData()
    table = f"firstName,lastName,email,employeeId,department,phoneNumber\n{lines}".encode()
    data.add_field("file", table, filename="people.csv", content_type="text/csv")
    begun = await office.call("POST", "/users/bulk-enroll", data=data, headers=owner, expect=201)
    assert begun["data"]["enrollment"]["status"] == "processing"
    path = f"/users/bulk-enroll/{begun['data']['enrollment']['id']}"
    await enrolments.process(office.services, UUID(begun["data"]["enrollment"]["id"]))
    done = (await office.call("GET", path, headers=owner))["data"]["enrollment"]
    assert (done["status"], done["successful"], done["failed"]) == ("completed", MEMBERS, 0)


async def test_from_registration_to_the_last_paisa(office: Office, tmp_path: Path) -> None:
    services = office.services
    services.files = FolderStore(tmp_path)
    organisation_id, owner = await registered(office)
    home_id = UUID(organisation_id)
    place = {"name": "Facilities", "code": "FAC", "budget": {"monthly": 20000, "currency": "INR"}}
    made = await office.call("POST", "/organization/departments", place, headers=owner, expect=201)
    department = made["data"]["department"]["id"]
    refused = await office.call("POST", "/bookings/bulk", office.wish(), headers=owner, expect=403)
    assert refused["error"]["code"] == "ORGANIZATION_NOT_ACTIVE"
    await enrol(office, owner)
    done = await office.call("PUT", "/onboarding/step", {"step": "user_enrollment"}, headers=owner)
    assert done["data"]["progress"] == 100
    async with services.transaction() as tx:
        await organisation_desk.verify(tx, home_id, STAFF, None)
    # Somebody else has to agree to what the owner asks for.
    found = await office.call("GET", "/users?search=p7@story.example", headers=owner)
    approver = found["data"]["users"][0]["id"]
    access = {"accessLevel": "admin", "status": "active"}
    await office.call("PUT", f"/users/{approver}/access", access, headers=owner)
    async with services.transaction() as tx:
        pair = await services.sessions.open(tx, "organisation", UUID(approver))
    wish = office.wish(
        floors=2, schedule={"days": ["tuesday", "friday"], "startDate": "2026-01-13", "endDate": "2026-01-16"},
        billing={"department": department, "approvalRequired": True, "approvers": [approver]},
    )  # fmt: skip
    asked = (await office.call("POST", "/bookings/bulk", wish, headers=owner, expect=201))["data"]["bulkBooking"]
    assert (asked["status"], asked["estimatedBookings"]) == ("pending_approval", 4)
    agreed = {"Authorization": f"Bearer {pair.access_token}"}
    await office.call("POST", f"/bookings/bulk/{asked['id']}/approve", {}, headers=agreed)
    assert (await office.make_visits())["booked"] == 4
    visits = await office.call("GET", f"/bookings/bulk/{asked['id']}/visits?startDate=2026-01-01", headers=owner)
    technicians = [await office.world.technician(categories=("cleaning",)) for _ in range(4)]
    bookings = [UUID(v["bookingId"]) for v in visits["data"]["visits"]]
    for booking_id, technician_id in zip(bookings, technicians, strict=True):
        await do_job(office, booking_id, technician_id)
    # 4 visits of 600.00, 18 % of it in tax.
    each, total = 60_000 + 10_800, 4 * 70_800
    async with services.read() as conn:
        standing = await budgets.standing(conn, home_id, date(2026, 1, 1))
    for part in (UUID(department), None):
        assert (standing[part].reserved_minor, standing[part].spent_minor) == (0, total)
    await office.world.advance(days=20)
    assert [await invoices.bill_due(services) for _ in range(2)] == [1, 0]
    listed = (await office.call("GET", "/finance/invoices", headers=owner))["data"]
    [bill] = listed["invoices"]
    assert (bill["subtotal"], bill["tax"], bill["discount"], bill["total"]) == (2400, 432, 0, 2832)
    assert bill["items"] == [{"description": "Office Cleaning", "quantity": 4, "unitPrice": 600, "amount": 2400}]
    assert await office.world.value("SELECT sum(grand_total_minor) FROM bookings WHERE invoice_id IS NOT NULL") == total
    assert total == 4 * each and await owed(office, home_id) == total
    async with services.transaction() as tx:
        transfer = Transfer(total, "UTR-1", services.clock.now().date())
        await invoice_payments.record_transfer(tx, STAFF, UUID(bill["id"]), transfer)
    assert await owed(office, home_id) == 0
    overview = (await office.call("GET", "/finance/overview?period=year", headers=owner))["data"]
    assert overview["overview"]["totalSpent"] == 2832 and overview["upcomingCharges"]["pendingBookings"] == 0
    async with services.read() as conn:
        assert await ledger_check.check(conn) == []


async def owed(office: Office, organisation_id: UUID) -> int:
    return -int(await office.world.value(
        "SELECT coalesce(sum(balance_minor), 0) FROM ledger_accounts WHERE owner_id = $1 AND type = 'receivable'",
        organisation_id,
    ))  # fmt: skip
